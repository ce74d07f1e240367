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

/// The most that one [`piece`] has.
pub const PIECE: u32 = 1 << 20;

/// Up to `length` bytes of an asset from `offset`, at most [`PIECE`]; fewer at its end, none past
/// it or where the spec names no such asset. For what is too large to be held whole.
pub fn piece(name: &str, offset: u64, length: u32) -> Vec<u8> {
    let length = length.min(PIECE);
    #[cfg(target_arch = "wasm32")]
    return crate::wasm::asset_piece(name, offset, length);
    #[cfg(not(target_arch = "wasm32"))]
    return crate::native::asset(name, |bytes| {
        let from = usize::try_from(offset).map_or(bytes.len(), |at| at.min(bytes.len()));
        let to = bytes.len().min(from.saturating_add(length as usize));
        bytes[from..to].to_vec()
    })
    .unwrap_or_default();
}
