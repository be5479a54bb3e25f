#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    webdir_provider::fuzz::keys(bytes);
});
