#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| slashbox_fuzz_checks::native(input));
