  ;; Calls itself until the stack ends. With a number, it goes that deep and says so.
  (func $attack (result i64) (call $deeper (i64.const 1)))
  (func $deeper (param $depth i64) (result i64)
    (if (result i64) (i64.eq (local.get $depth) (global.get $b))
      (then (local.get $depth))
      ;; What is added keeps the compiler from making a loop of it.
      (else (i64.add (call $deeper (i64.add (local.get $depth) (i64.const 1))) (i64.const 0)))))
