//! Loading a bundle, while a component is built.

use std::ptr;
use std::sync::OnceLock;

use crate::js::{self, Thrown, Value, context, sys};
use crate::outside::{laid_out, put};
use crate::{component, json};

/// Of the stack in memory, what the engine may use before it says that there is too much recursion. Half, since the host
/// has a stack of its own for each call, of 512 KiB, which this one tells of: beyond it there is a trap.
const STACK_BYTES: usize = STACK / 2;
/// As `plugins/build.sh` lays it out.
const STACK: usize = 256 << 10;
/// Where the bundle's code is, in a stack.
const NAME: &std::ffi::CStr = c"generator.js";

static FAILURE: OnceLock<String> = OnceLock::new();

/// The engine's one question to a system: microseconds since 1970. Time stands still.
#[unsafe(no_mangle)]
extern "C" fn __rquickjs_host_now_us() -> f64 {
    0.0
}

/// Room for a bundle of so many bytes, and a zero byte behind it.
#[unsafe(no_mangle)]
extern "C" fn wellhead_room(bytes: usize) -> *mut u8 {
    vec![0_u8; bytes + 1].leak().as_mut_ptr()
}

/// Evaluates the bundle that was put there. What it gives is 0, or where the reason lies why that can't be, and at the
/// next call how many bytes it has.
///
/// # Safety
/// `at` is of `wellhead_room`, and `bytes` as many as were asked for.
#[unsafe(no_mangle)]
unsafe extern "C" fn wellhead_load(at: *mut u8, bytes: usize) -> *const u8 {
    // SAFETY: see above.
    let bundle = unsafe { std::slice::from_raw_parts(at, bytes + 1) };
    match load(bundle) {
        Ok(()) => ptr::null(),
        Err(thrown) => FAILURE.get_or_init(|| said(&thrown)).as_ptr(),
    }
}

/// How many bytes the reason has.
#[unsafe(no_mangle)]
extern "C" fn wellhead_reason() -> usize {
    FAILURE.get().map_or(0, String::len)
}

/// `bundle` ends with a zero byte.
fn load(bundle: &[u8]) -> Result<(), Thrown> {
    // SAFETY: both live as long as the component.
    unsafe {
        let runtime = sys::JS_NewRuntime();
        sys::JS_SetMaxStackSize(runtime, STACK_BYTES as _);
        js::begin(sys::JS_NewContext(runtime));
    }
    json::learn()?;
    let wellhead = laid_out();
    put(&Value::global(), c"wellhead", wellhead.clone());
    let (text, length) = (bundle.as_ptr().cast(), bundle.len() - 1);
    // SAFETY: the text ends with a zero byte, which isn't counted.
    Value::result(unsafe {
        let kind = sys::JS_EVAL_TYPE_GLOBAL as i32;
        sys::JS_Eval(context(), text, length as _, NAME.as_ptr(), kind)
    })?;
    component::begin(wellhead.named(c"generator")?)
}

/// What was thrown, with the places.
fn said(thrown: &Thrown) -> String {
    let text = |value: &Value| value.to_owned_text().unwrap_or_default();
    let stack = thrown.0.named(c"stack");
    let stack = stack.ok().filter(|stack| !stack.is_undefined());
    let stack = stack.map(|stack| text(&stack)).unwrap_or_default();
    format!("{}\n{stack}", text(&thrown.0))
}
