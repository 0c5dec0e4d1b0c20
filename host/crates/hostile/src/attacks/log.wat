  ;; Writes $b lines of 200 bytes to the log.
  (import "slashbox:plugin/log@0.1.0" "write" (func $write (param i32 i32 i32)))
  (func $attack (result i64)
    (local $done i64)
    (memory.fill (i32.const 8192) (i32.const 120) (i32.const 200))
    (loop $more
      (call $write (i32.const 2) (i32.const 8192) (i32.const 200))
      (local.set $done (i64.add (local.get $done) (i64.const 1)))
      (br_if $more (i64.lt_u (local.get $done) (global.get $b))))
    (local.get $done))
