  ;; Grows its memory until it is refused. With 1 it says how much it then has, in KiB; else it breaks, as real programs do.
  (func $attack (result i64)
    (local $pages i32)
    (local.set $pages (i32.const 256))
    (loop $more
      (br_if $more (i32.ne (memory.grow (local.get $pages)) (i32.const -1)))
      (local.set $pages (i32.shr_u (local.get $pages) (i32.const 1)))
      (br_if $more (local.get $pages)))
    (if (i64.eqz (global.get $b)) (then unreachable))
    (i64.mul (i64.extend_i32_u (memory.size)) (i64.const 64)))
