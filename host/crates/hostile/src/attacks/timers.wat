  ;; Sets up to $b timers for next year, from number $a on, until it is refused. Says how many it could.
  (import "slashbox:plugin/timers@0.1.0" "set" (func $set (param i32 i32 i64 i32 i32 i32)))
  (data (i32.const 400) "{}")
  (func $attack (result i64)
    (local $done i64) (local $key i32)
    (block $enough
      (loop $more
        (br_if $enough (i64.eq (local.get $done) (global.get $b)))
        (local.set $key (call $decimal (i64.add (global.get $a) (local.get $done)) (i32.const 320)))
        (call $set (local.get $key) (i32.sub (i32.const 320) (local.get $key)) (i64.const 31536000000)
          (i32.const 400) (i32.const 2) (global.get $answer))
        (br_if $enough (call $failed))
        (local.set $done (i64.add (local.get $done) (i64.const 1)))
        (br $more)))
    (local.get $done))
