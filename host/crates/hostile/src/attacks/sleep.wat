  ;; Waits in the host, $b ms long; an hour if nothing is said.
  (import "wasi:clocks/monotonic-clock@0.2.0" "subscribe-duration" (func $subscribe (param i64) (result i32)))
  (import "wasi:io/poll@0.2.0" "[method]pollable.block" (func $block (param i32)))
  (func $attack (result i64)
    (call $block (call $subscribe (i64.mul (i64.const 1000000)
      (select (global.get $b) (i64.const 3600000) (i64.ne (global.get $b) (i64.const 0))))))
    (global.get $b))
