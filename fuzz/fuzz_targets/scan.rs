#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| dropsift_fuzz::scan(data));
