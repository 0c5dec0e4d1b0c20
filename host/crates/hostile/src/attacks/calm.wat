  ;; Does nothing, and says 1: what others are compared with.
  (func $attack (result i64) (i64.const 1))
