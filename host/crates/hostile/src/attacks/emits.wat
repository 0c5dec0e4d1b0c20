  ;; Emits events until it is refused. Says how many it could.
  (import "slashbox:plugin/events@0.1.0" "emit" (func $emit (param i32 i32 i32 i32 i32 i32 i32 i32)))
  (data (i32.const 400) "{}spam")
  (func $attack (result i64)
    (local $done i64)
    (loop $more
      (call $emit (i32.const 402) (i32.const 4) (i32.const 0) (i32.const 0) (i32.const 0)
        (i32.const 400) (i32.const 2) (global.get $answer))
      (if (i32.eqz (call $failed)) (then
        (local.set $done (i64.add (local.get $done) (i64.const 1)))
        (br $more))))
    (local.get $done))
