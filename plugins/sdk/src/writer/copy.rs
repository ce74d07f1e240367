//! Copies without calls.

use std::ptr;

#[inline(always)]
unsafe fn copy16(src: *const u8, dst: *mut u8) {
    // SAFETY: the caller's, for 16 bytes on both sides.
    unsafe {
        #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
        {
            use core::arch::wasm32::{v128, v128_load, v128_store};
            v128_store(dst.cast::<v128>(), v128_load(src.cast::<v128>()));
        }
        #[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
        ptr::copy_nonoverlapping(src, dst, 16);
    }
}

/// `SLOTS` times 16 bytes.
///
/// # Safety
/// Both sides have them, and don't overlap.
#[inline(always)]
pub(super) unsafe fn copy_padded<const SLOTS: usize>(src: *const u8, dst: *mut u8) {
    // SAFETY: the caller's.
    unsafe {
        if SLOTS > 0 {
            copy16(src, dst);
        }
        if SLOTS > 1 {
            copy16(src.add(16), dst.add(16));
        }
        if SLOTS > 2 {
            copy16(src.add(32), dst.add(32));
        }
        if SLOTS > 3 {
            copy16(src.add(48), dst.add(48));
        }
        if SLOTS > 4 {
            ptr::copy_nonoverlapping(src.add(64), dst.add(64), SLOTS * 16 - 64);
        }
    }
}

/// `n` bytes of any length, without a call while `n <= 32`, and without reading past the source.
///
/// # Safety
/// `src` has `n` bytes, `dst` has room for them, and they don't overlap.
#[inline(always)]
pub(super) unsafe fn copy_short(src: *const u8, dst: *mut u8, n: usize) {
    // SAFETY: every access lies within the first n bytes; overlapping stores write the same.
    unsafe {
        if n > 32 {
            ptr::copy_nonoverlapping(src, dst, n);
        } else if n >= 16 {
            copy16(src, dst);
            copy16(src.add(n - 16), dst.add(n - 16));
        } else if n >= 8 {
            let (a, b) = (load64(src, 0), load64(src, n - 8));
            dst.cast::<u64>().write_unaligned(a);
            dst.add(n - 8).cast::<u64>().write_unaligned(b);
        } else if n >= 4 {
            let (a, b) = (load32(src, 0), load32(src, n - 4));
            dst.cast::<u32>().write_unaligned(a);
            dst.add(n - 4).cast::<u32>().write_unaligned(b);
        } else if n > 0 {
            *dst = *src;
            *dst.add(n / 2) = *src.add(n / 2);
            *dst.add(n - 1) = *src.add(n - 1);
        }
    }
}

#[inline(always)]
unsafe fn load64(src: *const u8, at: usize) -> u64 {
    // SAFETY: the caller's.
    unsafe { src.add(at).cast::<u64>().read_unaligned() }
}

#[inline(always)]
unsafe fn load32(src: *const u8, at: usize) -> u32 {
    // SAFETY: the caller's.
    unsafe { src.add(at).cast::<u32>().read_unaligned() }
}

const ONES: u64 = 0x0101_0101_0101_0101;

/// Not 0 when one of eight bytes is a control character, a quote or a backslash.
#[inline(always)]
fn special(x: u64) -> u64 {
    let below_space = x.wrapping_sub(ONES * 0x20) & !x;
    let quote = x ^ (ONES * 0x22);
    let backslash = x ^ (ONES * 0x5c);
    let zero = |x: u64| x.wrapping_sub(ONES) & !x;
    (below_space | zero(quote) | zero(backslash)) & (ONES * 0x80)
}

/// Copies `n` bytes and says (not 0) whether one of them needs an escape in JSON; no loop while
/// `n <= 32`.
///
/// # Safety
/// As [`copy_short`].
#[inline(always)]
pub(super) unsafe fn copy_text(src: *const u8, dst: *mut u8, n: usize) -> u64 {
    // SAFETY: every access lies within the first n bytes.
    unsafe {
        let eight = |at: usize| {
            let x = load64(src, at);
            dst.add(at).cast::<u64>().write_unaligned(x);
            special(x)
        };
        if n > 32 {
            let (mut found, mut at) = (eight(n - 16) | eight(n - 8), 0);
            while at + 16 < n {
                found |= eight(at) | eight(at + 8);
                at += 16;
            }
            found
        } else if n > 16 {
            eight(0) | eight(8) | eight(n - 16) | eight(n - 8)
        } else if n >= 8 {
            eight(0) | eight(n - 8)
        } else if n >= 4 {
            let (a, b) = (load32(src, 0), load32(src, n - 4));
            dst.cast::<u32>().write_unaligned(a);
            dst.add(n - 4).cast::<u32>().write_unaligned(b);
            special(u64::from(a) | u64::from(b) << 32)
        } else if n > 0 {
            let (a, b, c) = (*src, *src.add(n / 2), *src.add(n - 1));
            *dst = a;
            *dst.add(n / 2) = b;
            *dst.add(n - 1) = c;
            let others = (ONES * 0x20) & !0xff_ffff;
            special(others | u64::from(a) | u64::from(b) << 8 | u64::from(c) << 16)
        } else {
            0
        }
    }
}
