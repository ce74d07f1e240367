//! Read-only data that the emulation's spec names (`assets: {payloads: ./payloads.json}`).

/// Length in bytes of an asset; none when the spec names no such asset.
pub fn size(name: &str) -> Option<u64> {
    #[cfg(target_arch = "wasm32")]
    return crate::wasm::asset_size(name);
    #[cfg(not(target_arch = "wasm32"))]
    return crate::native::asset(name, |bytes| bytes.len() as u64);
}

/// The whole of an asset; none when the spec names no such asset.
pub fn read(name: &str) -> Option<Vec<u8>> {
    #[cfg(target_arch = "wasm32")]
    return crate::wasm::asset(name);
    #[cfg(not(target_arch = "wasm32"))]
    return crate::native::asset(name, <[u8]>::to_vec);
}
