//! The engine's values with owners: what is dropped is released, and what is thrown is a `Result`.

use std::ffi::{CStr, CString, c_char};
use std::ops::Deref;
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering::Relaxed};

pub(crate) use rquickjs_sys as sys;
use sys::{JSAtom, JSContext, JSValue};

/// The one context. A component has one thread, and holds it for as long as it lives.
static CONTEXT: AtomicPtr<JSContext> = AtomicPtr::new(ptr::null_mut());

/// The context, once there is one.
#[inline(always)]
pub(crate) fn context() -> *mut JSContext {
    CONTEXT.load(Relaxed)
}

/// Makes the context of `runtime` the one.
pub(crate) fn begin(context: *mut JSContext) {
    CONTEXT.store(context, Relaxed);
}

/// A value that is held.
#[repr(transparent)]
pub(crate) struct Value(JSValue);

/// What was thrown.
pub(crate) struct Thrown(pub(crate) Value);

/// Of a value, what is told apart by its bits.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Kind {
    Undefined,
    Null,
    Bool(bool),
    Int(i32),
    Float(f64),
    Text,
    BigInt,
    Object,
    Other,
}

impl Drop for Value {
    #[inline(always)]
    fn drop(&mut self) {
        // SAFETY: the value is held, once, by this owner.
        unsafe {
            if sys::JS_VALUE_HAS_REF_COUNT(self.0) {
                sys::JS_FreeValue(context(), self.0);
            }
        }
    }
}

impl Clone for Value {
    #[inline(always)]
    fn clone(&self) -> Value {
        // SAFETY: the context is there as long as values are.
        Value(unsafe { sys::JS_DupValue(context(), self.0) })
    }
}

impl Value {
    pub(crate) const UNDEFINED: Value = Value(sys::JS_UNDEFINED);

    /// Takes over a value that the engine has given away.
    #[inline(always)]
    pub(crate) fn held(raw: JSValue) -> Value {
        Value(raw)
    }

    /// Takes over what a call of the engine's gave: a value, or word that something was thrown.
    #[inline(always)]
    pub(crate) fn result(raw: JSValue) -> Result<Value, Thrown> {
        // SAFETY: looks at the bits alone.
        if unsafe { sys::JS_IsException(raw) } {
            return Err(Thrown::last());
        }
        Ok(Value(raw))
    }

    /// Gives the value away.
    #[inline(always)]
    pub(crate) fn into_raw(self) -> JSValue {
        let raw = self.0;
        std::mem::forget(self);
        raw
    }

    /// The bits, for calls that don't take the value over. Two of the same bits are the same.
    #[inline(always)]
    pub(crate) fn raw(&self) -> JSValue {
        self.0
    }

    #[inline(always)]
    pub(crate) fn number(number: f64) -> Value {
        Value(sys::JS_NewFloat64(number))
    }

    #[inline(always)]
    pub(crate) fn integer(number: u32) -> Value {
        match i32::try_from(number) {
            Ok(small) => Value(sys::JS_MKVAL(sys::JS_TAG_INT, small)),
            Err(_) => Value::number(f64::from(number)),
        }
    }

    pub(crate) fn bool(yes: bool) -> Value {
        Value(if yes { sys::JS_TRUE } else { sys::JS_FALSE })
    }

    pub(crate) fn text(text: &str) -> Value {
        // SAFETY: copies so many bytes.
        Value(unsafe { sys::JS_NewStringLen(context(), text.as_ptr().cast(), text.len() as _) })
    }

    pub(crate) fn bytes(bytes: &[u8]) -> Value {
        // SAFETY: copies so many bytes.
        Value(unsafe { sys::JS_NewUint8ArrayCopy(context(), bytes.as_ptr(), bytes.len() as _) })
    }

    pub(crate) fn big(number: u64) -> Value {
        // SAFETY: the context is there.
        Value(unsafe { sys::JS_NewBigUint64(context(), number) })
    }

    pub(crate) fn object() -> Value {
        // SAFETY: the context is there.
        Value(unsafe { sys::JS_NewObject(context()) })
    }

    pub(crate) fn global() -> Value {
        // SAFETY: the context is there.
        Value(unsafe { sys::JS_GetGlobalObject(context()) })
    }

    #[inline(always)]
    pub(crate) fn kind(&self) -> Kind {
        // SAFETY: these look at the bits alone.
        unsafe {
            match sys::JS_VALUE_GET_NORM_TAG(self.0) {
                sys::JS_TAG_INT => Kind::Int(sys::JS_VALUE_GET_INT(self.0)),
                sys::JS_TAG_FLOAT64 => Kind::Float(sys::JS_VALUE_GET_FLOAT64(self.0)),
                sys::JS_TAG_STRING | sys::JS_TAG_STRING_ROPE => Kind::Text,
                sys::JS_TAG_OBJECT => Kind::Object,
                sys::JS_TAG_BOOL => Kind::Bool(sys::JS_VALUE_GET_BOOL(self.0)),
                sys::JS_TAG_NULL => Kind::Null,
                sys::JS_TAG_UNDEFINED => Kind::Undefined,
                sys::JS_TAG_BIG_INT | sys::JS_TAG_SHORT_BIG_INT => Kind::BigInt,
                _ => Kind::Other,
            }
        }
    }

    #[inline(always)]
    pub(crate) fn is_undefined(&self) -> bool {
        self.0 == sys::JS_UNDEFINED
    }

    pub(crate) fn is_true(&self) -> bool {
        self.0 == sys::JS_TRUE
    }

    #[inline(always)]
    pub(crate) fn get(&self, name: Name) -> Result<Value, Thrown> {
        // SAFETY: both are held.
        Value::result(unsafe { sys::JS_GetProperty(context(), self.0, name.0) })
    }

    pub(crate) fn at(&self, place: u32) -> Result<Value, Thrown> {
        // SAFETY: the value is held.
        Value::result(unsafe { sys::JS_GetPropertyUint32(context(), self.0, place) })
    }

    #[inline(always)]
    pub(crate) fn set(&self, name: Name, value: Value) -> Result<(), Thrown> {
        // SAFETY: the object is held, and the value given away.
        match unsafe { sys::JS_SetProperty(context(), self.0, name.0, value.into_raw()) } {
            ..0 => Err(Thrown::last()),
            _ => Ok(()),
        }
    }

    /// A property whose name is asked for seldom, and isn't held.
    pub(crate) fn named(&self, name: &CStr) -> Result<Value, Thrown> {
        // SAFETY: the value is held, and the name ends with a zero byte.
        Value::result(unsafe { sys::JS_GetPropertyStr(context(), self.0, name.as_ptr()) })
    }

    /// Sets such a property.
    pub(crate) fn set_named(&self, name: &CStr, value: Value) -> Result<(), Thrown> {
        let value = value.into_raw();
        // SAFETY: the object is held, the name ends with a zero byte, and the value is given away.
        match unsafe { sys::JS_SetPropertyStr(context(), self.0, name.as_ptr(), value) } {
            ..0 => Err(Thrown::last()),
            _ => Ok(()),
        }
    }

    /// How many items an array has, or bytes an array of bytes.
    pub(crate) fn length(&self) -> Result<u32, Thrown> {
        let mut length = 0;
        // SAFETY: writes one number.
        match unsafe { sys::JS_GetLength(context(), self.0, &mut length) } {
            ..0 => Err(Thrown::last()),
            _ => Ok(u32::try_from(length).unwrap_or(u32::MAX)),
        }
    }

    #[inline(always)]
    pub(crate) fn call(&self, this: &Value, values: &[&Value]) -> Result<Value, Thrown> {
        let mut raw = [sys::JS_UNDEFINED; 4];
        for (raw, value) in raw.iter_mut().zip(values) {
            *raw = value.0;
        }
        let count = values.len().min(raw.len()) as _;
        // SAFETY: all are held during the call, which takes none over.
        let given = unsafe { sys::JS_Call(context(), self.0, this.0, count, raw.as_mut_ptr()) };
        Value::result(given)
    }

    /// Calls a method with up to four values.
    pub(crate) fn invoke(&self, name: &CStr, values: &[&Value]) -> Result<Value, Thrown> {
        self.named(name)?.call(self, values)
    }

    /// The text of the value, as `String(value)` has it, in UTF-8; of halves of surrogate pairs, as if those were
    /// characters, which is no UTF-8.
    #[inline(always)]
    pub(crate) fn to_text(&self) -> Result<Text, Thrown> {
        let mut length = 0;
        // SAFETY: writes one number, and gives what is released with the text.
        let at = unsafe { sys::JS_ToCStringLen2(context(), &mut length, self.0, false) };
        match at.is_null() {
            true => Err(Thrown::last()),
            false => Ok(Text {
                at,
                length: length as usize,
            }),
        }
    }

    /// The same as a string of ours; what is no UTF-8 is replaced.
    pub(crate) fn to_owned_text(&self) -> Result<String, Thrown> {
        Ok(String::from_utf8_lossy(&self.to_text()?).into_owned())
    }

    /// The bytes of a `Uint8Array`, as they are now; none where it is something else.
    pub(crate) fn as_bytes(&self) -> Option<&[u8]> {
        if self.kind() != Kind::Object {
            return None;
        }
        // SAFETY: looks at an object of any class.
        let class = unsafe { sys::JS_GetTypedArrayType(self.0) };
        if class != sys::JSTypedArrayEnum_JS_TYPED_ARRAY_UINT8 as i32 {
            return None;
        }
        let mut length = 0;
        // SAFETY: its class was looked at; nothing runs that could change it while it is borrowed.
        unsafe {
            let at = sys::JS_GetUint8Array(context(), &mut length, self.0);
            match at.is_null() {
                true => Some(&[]),
                false => Some(std::slice::from_raw_parts(at, length as usize)),
            }
        }
    }

    /// The 64 bits of a BigInt, or of a whole number.
    pub(crate) fn to_u64(&self) -> Option<u64> {
        match self.kind() {
            Kind::Int(number) => Some(i64::from(number) as u64),
            Kind::Float(number) if number.trunc() == number && number.abs() < 9e15 => {
                Some(number as i64 as u64)
            }
            Kind::BigInt => {
                let mut bits = 0;
                // SAFETY: writes one number.
                let failed = unsafe { sys::JS_ToBigUint64(context(), &mut bits, self.0) };
                (failed == 0).then_some(bits)
            }
            _ => None,
        }
    }
}

impl Thrown {
    /// What the engine holds as thrown.
    #[cold]
    pub(crate) fn last() -> Thrown {
        // SAFETY: gives it away.
        Thrown(Value(unsafe { sys::JS_GetException(context()) }))
    }

    /// A `TypeError`.
    #[cold]
    pub(crate) fn type_error(text: &str) -> Thrown {
        let text = CString::new(text).unwrap_or_default();
        // SAFETY: both texts end with a zero byte.
        unsafe { sys::JS_ThrowTypeError(context(), c"%s".as_ptr(), text.as_ptr()) };
        Thrown::last()
    }

    /// A `RangeError`.
    #[cold]
    pub(crate) fn range_error(text: &str) -> Thrown {
        let text = CString::new(text).unwrap_or_default();
        // SAFETY: both texts end with a zero byte.
        unsafe { sys::JS_ThrowRangeError(context(), c"%s".as_ptr(), text.as_ptr()) };
        Thrown::last()
    }
}

/// The bytes of a text, held by the engine.
pub(crate) struct Text {
    at: *const c_char,
    length: usize,
}

impl Deref for Text {
    type Target = [u8];

    #[inline(always)]
    fn deref(&self) -> &[u8] {
        // SAFETY: so many bytes are held until this is dropped.
        unsafe { std::slice::from_raw_parts(self.at.cast(), self.length) }
    }
}

impl Drop for Text {
    #[inline(always)]
    fn drop(&mut self) {
        // SAFETY: held once.
        unsafe { sys::JS_FreeCString(context(), self.at) };
    }
}

/// A property's name. What is made here stays.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Name(pub(crate) JSAtom);

impl Name {
    pub(crate) fn new(name: &CStr) -> Name {
        // SAFETY: copies the text.
        Name(unsafe { sys::JS_NewAtom(context(), name.as_ptr()) })
    }
}
