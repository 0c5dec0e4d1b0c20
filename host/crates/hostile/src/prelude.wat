  ;; What all attacks share: memory, a descriptor with one command, and a reply of a number as decimal text.
  ;;
  ;; An attack defines `$attack`, which gives the number; two numbers that follow the command stand in `$a` and `$b`. A
  ;; service's answer goes to `$answer`: if it is an error, its text stands behind the number. The bytes below 4,096 are laid
  ;; out here, what the host hands over begins there.
  (memory (export "memory") 1)
  (global $a (mut i64) (i64.const 0))
  (global $b (mut i64) (i64.const 0))
  (global $free (mut i32) (i32.const 4096))
  (global $answer i32 (i32.const 64))    ;; result<_, service-error>: 16 bytes
  (global $result i32 (i32.const 96))    ;; of the handler: 20 bytes
  (global $described i32 (i32.const 128)) ;; the descriptor: 56 bytes
  (global $spec i32 (i32.const 192))     ;; its command: 24 bytes
  (global $digits i32 (i32.const 256))   ;; a number's text ends where $text_begins
  (global $text_begins i32 (i32.const 280))
  (global $name i32 (i32.const 512))     ;; the command, with its slash

  (func $cabi_realloc (export "cabi_realloc") (param $old i32) (param $old_size i32) (param $align i32) (param $size i32)
    (result i32)
    (local $at i32)
    (local.set $at (i32.and (i32.add (global.get $free) (i32.const 15)) (i32.const -16)))
    (global.set $free (i32.add (local.get $at) (local.get $size)))
    (call $reach (global.get $free))
    (local.get $at))

  ;; Makes the memory reach to an address, or gives up.
  (func $reach (param $end i32)
    (local $pages i32)
    (local.set $pages (i32.sub
      (i32.add (i32.shr_u (local.get $end) (i32.const 16)) (i32.const 1)) (memory.size)))
    (if (i32.gt_s (local.get $pages) (i32.const 0))
      (then (if (i32.eq (memory.grow (local.get $pages)) (i32.const -1)) (then unreachable)))))

  ;; Writes a number so that it ends where it is told to; gives where it begins.
  (func $decimal (param $number i64) (param $end i32) (result i32)
    (loop $next
      (local.set $end (i32.sub (local.get $end) (i32.const 1)))
      (i32.store8 (local.get $end)
        (i32.add (i32.const 48) (i32.wrap_i64 (i64.rem_u (local.get $number) (i64.const 10)))))
      (local.set $number (i64.div_u (local.get $number) (i64.const 10)))
      (br_if $next (i64.ne (local.get $number) (i64.const 0))))
    (local.get $end))

  ;; Whether the service's answer is an error.
  (func $failed (result i32) (i32.load8_u (global.get $answer)))

  ;; Reads `A B` from a text.
  (func $read (param $at i32) (param $length i32)
    (local $end i32) (local $byte i32)
    (local.set $end (i32.add (local.get $at) (local.get $length)))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $at) (local.get $end)))
        (local.set $byte (i32.load8_u (local.get $at)))
        (if (i32.eq (local.get $byte) (i32.const 32))
          (then (global.set $a (global.get $b)) (global.set $b (i64.const 0)))
          (else (global.set $b (i64.add (i64.mul (global.get $b) (i64.const 10))
            (i64.extend_i32_u (i32.sub (local.get $byte) (i32.const 48)))))))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (br $next))))

  (func (export "slashbox:plugin/handler@0.1.0#describe") (result i32)
    (call $describing)
    (i32.store (i32.const 128) (i32.add (global.get $name) (i32.const 1)))
    (i32.store (i32.const 132) (i32.sub (global.get $name_bytes) (i32.const 1)))
    (i32.store (i32.const 136) (i32.const 48))  ;; the version: "0"
    (i32.store8 (i32.const 48) (i32.const 48))
    (i32.store (i32.const 140) (i32.const 1))
    (i32.store (i32.const 152) (global.get $spec))
    (i32.store (i32.const 156) (i32.const 1))
    (i32.store (global.get $spec) (global.get $name))
    (i32.store (i32.const 196) (global.get $name_bytes))
    (global.get $described))

  (func (export "slashbox:plugin/handler@0.1.0#on-command") (param $command i32) (result i32)
    (local $begin i32) (local $bytes i32) (local $error i32)
    (call $read (i32.load offset=16 (local.get $command)) (i32.load offset=20 (local.get $command)))
    (local.set $begin (call $decimal (call $attack) (global.get $text_begins)))
    (local.set $bytes (i32.sub (global.get $text_begins) (local.get $begin)))
    (if (call $failed) (then
      (local.set $error (i32.load offset=12 (global.get $answer)))
      ;; The number, a space and the error's text, in a place of their own.
      (call $reach (i32.add (global.get $free) (i32.add (local.get $error) (i32.const 64))))
      (memory.copy (global.get $free) (local.get $begin) (local.get $bytes))
      (i32.store8 (i32.add (global.get $free) (local.get $bytes)) (i32.const 32))
      (memory.copy (i32.add (i32.add (global.get $free) (local.get $bytes)) (i32.const 1))
        (i32.load offset=8 (global.get $answer)) (local.get $error))
      (local.set $begin (global.get $free))
      (local.set $bytes (i32.add (local.get $bytes) (i32.add (local.get $error) (i32.const 1))))))
    (call $reply (local.get $begin) (local.get $bytes)))

  (func $reply (param $begin i32) (param $bytes i32) (result i32)
    (i32.store (i32.const 96) (i32.const 0))   ;; ok
    (i32.store (i32.const 100) (i32.const 1))  ;; some
    (i32.store (i32.const 104) (select (global.get $reply_at) (local.get $begin) (global.get $reply_bytes)))
    (i32.store (i32.const 108) (select (global.get $reply_bytes) (local.get $bytes) (global.get $reply_bytes)))
    (i32.store (i32.const 112) (i32.const 0))  ;; plain
    (global.get $result))
  ;; If an attack sets these, they are the reply instead of the number.
  (global $reply_at (mut i32) (i32.const 0))
  (global $reply_bytes (mut i32) (i32.const 0))

  (func (export "slashbox:plugin/handler@0.1.0#on-event") (param $event i32) (result i32)
    (drop (call $attack))
    (i32.store (i32.const 96) (i32.const 0))
    (global.get $result))
