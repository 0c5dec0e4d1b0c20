  ;; Opens $b handles and closes none; without end if nothing is said.
  (import "wasi:cli/stdout@0.2.0" "get-stdout" (func $stdout (result i32)))
  (func $attack (result i64)
    (local $open i64)
    (loop $more
      (drop (call $stdout))
      (local.set $open (i64.add (local.get $open) (i64.const 1)))
      (br_if $more (i64.ne (local.get $open) (global.get $b))))
    (local.get $open))
