  ;; Replies with 4,094 letters and two characters of two UTF-16 code units each: the cut at 4,095 falls into the first.
  (data (i32.const 12286) "\f0\9f\99\82\f0\9f\99\82")
  (func $attack (result i64)
    (memory.fill (i32.const 8192) (i32.const 120) (i32.const 4094))
    (global.set $reply_at (i32.const 8192))
    (global.set $reply_bytes (i32.const 4102))
    (i64.const 0))
