  ;; Breaks at once.
  (func $attack (result i64) unreachable)
