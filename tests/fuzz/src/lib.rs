//! The fuzz targets: [`checks`] says what is asserted, [`fuzz!`] makes a binary of one.

pub mod checks;

/// The binary of a target: libFuzzer's loop around it, under the counting allocator.
#[macro_export]
macro_rules! fuzz {
    ($target:ident) => {
        #[global_allocator]
        static ALLOCATOR: $crate::checks::Counting = $crate::checks::Counting;

        libfuzzer_sys::fuzz_target!(|data: &[u8]| $crate::checks::run(stringify!($target), data));
    };
}
