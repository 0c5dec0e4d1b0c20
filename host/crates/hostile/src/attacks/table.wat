  ;; Grows a table until it is refused, and says how many elements it then has.
  (table $table 0 funcref)
  (func $attack (result i64)
    (local $elements i32)
    (local.set $elements (i32.const 65536))
    (loop $more
      (br_if $more (i32.ne (table.grow $table (ref.null func) (local.get $elements)) (i32.const -1)))
      (local.set $elements (i32.shr_u (local.get $elements) (i32.const 1)))
      (br_if $more (local.get $elements)))
    (i64.extend_i32_u (table.size $table)))
