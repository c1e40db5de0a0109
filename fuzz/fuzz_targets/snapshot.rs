#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| amanat_tests::fuzz::snapshot(data));
