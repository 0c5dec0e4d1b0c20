  ;; Grows its memory until it is refused, and writes to every page of it. Says how much it then has, in KiB.
  (func $attack (result i64)
    (local $pages i32) (local $at i32) (local $end i32)
    (local.set $pages (i32.const 256))
    (loop $more
      (br_if $more (i32.ne (memory.grow (local.get $pages)) (i32.const -1)))
      (local.set $pages (i32.shr_u (local.get $pages) (i32.const 1)))
      (br_if $more (local.get $pages)))
    (local.set $at (i32.const 8192))
    (local.set $end (i32.shl (memory.size) (i32.const 16)))
    (loop $next
      (i32.store8 (local.get $at) (i32.const 1))
      (local.set $at (i32.add (local.get $at) (i32.const 4096)))
      (br_if $next (i32.lt_u (local.get $at) (local.get $end))))
    (i64.mul (i64.extend_i32_u (memory.size)) (i64.const 64)))
