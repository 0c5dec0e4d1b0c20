  ;; Sets keys, from number $a on, to values of $b bytes, until it is refused. Says how many it could.
  (import "slashbox:plugin/kv@0.1.0" "set" (func $set (param i32 i32 i32 i32 i32 i64 i32)))
  (func $attack (result i64)
    (local $done i64) (local $key i32) (local $value i32)
    (local.set $value (call $cabi_realloc (i32.const 0) (i32.const 0) (i32.const 1) (i32.wrap_i64 (global.get $b))))
    (loop $more
      (local.set $key (call $decimal (i64.add (global.get $a) (local.get $done)) (i32.const 320)))
      (call $set (local.get $key) (i32.sub (i32.const 320) (local.get $key))
        (local.get $value) (i32.wrap_i64 (global.get $b)) (i32.const 0) (i64.const 0) (global.get $answer))
      (if (i32.eqz (call $failed)) (then
        (local.set $done (i64.add (local.get $done) (i64.const 1)))
        (br $more))))
    (local.get $done))
