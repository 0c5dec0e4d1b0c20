  ;; Grows a table until it is refused, and says how many elements it then has.
  (table $table 0 funcref)
  (func $attack (result i64)
    (loop $more (br_if $more (i32.ne (table.grow $table (ref.null func) (i32.const 100)) (i32.const -1))))
    (loop $more (br_if $more (i32.ne (table.grow $table (ref.null func) (i32.const 1)) (i32.const -1))))
    (i64.extend_i32_u (table.size $table)))
