#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| dialog_drivers::package::drive(data));
