  ;; Computes for ever; with a number, so many thousand rounds, and says it.
  (func $attack (result i64)
    (local $left i64)
    (local.set $left (i64.mul (global.get $b) (i64.const 1000)))
    (loop $on
      (local.set $left (i64.sub (local.get $left) (i64.const 1)))
      (br_if $on (i64.ne (local.get $left) (i64.const 0))))
    (global.get $b))
