#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| dialog_drivers::manifest::drive(data));
