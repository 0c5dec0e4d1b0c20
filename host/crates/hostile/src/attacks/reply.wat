  ;; Replies with $b bytes.
  (func $attack (result i64)
    (call $reach (i32.add (i32.const 8192) (i32.wrap_i64 (global.get $b))))
    (memory.fill (i32.const 8192) (i32.const 120) (i32.wrap_i64 (global.get $b)))
    (global.set $reply_at (i32.const 8192))
    (global.set $reply_bytes (i32.wrap_i64 (global.get $b)))
    (i64.const 0))
