  ;; Grows its memory until it is refused. With 1 it says how much it then has, in KiB; else it breaks, as real programs do.
  (func $attack (result i64)
    (loop $more (br_if $more (i32.ne (memory.grow (i32.const 1)) (i32.const -1))))
    (if (i64.eqz (global.get $b)) (then unreachable))
    (i64.mul (i64.extend_i32_u (memory.size)) (i64.const 64)))
