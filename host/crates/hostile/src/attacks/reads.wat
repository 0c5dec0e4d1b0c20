  ;; Reads a key again and again, until it is refused. Says how often it could.
  (import "slashbox:plugin/kv@0.1.0" "get" (func $get (param i32 i32 i32)))
  (data (i32.const 400) "key")
  (func $attack (result i64)
    (local $done i64)
    (loop $more
      (call $get (i32.const 400) (i32.const 3) (global.get $answer))
      (if (i32.eqz (call $failed)) (then
        (local.set $done (i64.add (local.get $done) (i64.const 1)))
        (br $more))))
    (local.get $done))
