  ;; Writes $b lines of 200 bytes to stdout.
  (import "wasi:cli/stdout@0.2.0" "get-stdout" (func $stdout (result i32)))
  (import "wasi:io/streams@0.2.0" "[method]output-stream.blocking-write-and-flush" (func $write (param i32 i32 i32 i32)))
  (func $attack (result i64)
    (local $done i64) (local $stream i32)
    (memory.fill (i32.const 8192) (i32.const 120) (i32.const 200))
    (i32.store8 (i32.const 8391) (i32.const 10))
    (local.set $stream (call $stdout))
    (loop $more
      (call $write (local.get $stream) (i32.const 8192) (i32.const 200) (i32.const 32))
      (local.set $done (i64.add (local.get $done) (i64.const 1)))
      (br_if $more (i64.lt_u (local.get $done) (global.get $b))))
    (local.get $done))
