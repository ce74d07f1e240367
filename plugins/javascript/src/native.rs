//! Functions and classes of ours that JavaScript sees.

use std::ffi::{CStr, c_int};
use std::marker::PhantomData;
use std::ptr::{self, NonNull};

use crate::js::{Name, Thrown, Value, context, sys};
use sys::{JSClassDef, JSClassID, JSContext, JSRuntime, JSValue};

/// A function of this crate, that holds nothing: what is asked of `this` and the values given.
pub(crate) trait Native:
    Fn(&Value, &[Value]) -> Result<Value, Thrown> + Copy + 'static
{
}
impl<F: Fn(&Value, &[Value]) -> Result<Value, Thrown> + Copy + 'static> Native for F {}

/// `F` itself, which has nothing in it.
#[inline(always)]
fn the<F: Copy>() -> F {
    const { assert!(size_of::<F>() == 0) };
    // SAFETY: any well-aligned pointer is one to a value without bytes.
    unsafe { *NonNull::<F>::dangling().as_ref() }
}

unsafe extern "C" fn called<F: Native>(
    _: *mut JSContext,
    this: JSValue,
    count: c_int,
    values: *mut JSValue,
) -> JSValue {
    // SAFETY: `Value` is a `JSValue` by its layout, and a reference takes nothing over.
    let (this, values) = unsafe {
        let values: *const Value = values.cast();
        let values = match count {
            1.. => std::slice::from_raw_parts(values, count as usize),
            _ => &[],
        };
        (&*ptr::from_ref(&this).cast::<Value>(), values)
    };
    match the::<F>()(this, values) {
        Ok(value) => value.into_raw(),
        // SAFETY: what is thrown is given away.
        Err(Thrown(value)) => unsafe { sys::JS_Throw(context(), value.into_raw()) },
    }
}

unsafe extern "C" fn got<F: Native>(context: *mut JSContext, this: JSValue) -> JSValue {
    // SAFETY: without values.
    unsafe { called::<F>(context, this, 0, ptr::null_mut()) }
}

/// A function.
pub(crate) fn function<F: Native>(name: &CStr, length: c_int, _: F) -> Value {
    made::<F>(name, length, sys::JSCFunctionEnum_JS_CFUNC_generic)
}

/// A function that `new` calls; `this` is the function then.
pub(crate) fn constructor<F: Native>(name: &CStr, length: c_int, _: F) -> Value {
    made::<F>(name, length, sys::JSCFunctionEnum_JS_CFUNC_constructor)
}

fn made<F: Native>(name: &CStr, length: c_int, kind: sys::JSCFunctionEnum) -> Value {
    // SAFETY: the function is of the form that this kind is called in.
    Value::held(unsafe {
        sys::JS_NewCFunction2(context(), Some(called::<F>), name.as_ptr(), length, kind, 0)
    })
}

/// Has a property of `object` computed by `F`.
pub(crate) fn getter<F: Native>(object: &Value, name: &CStr, _: F) {
    type Any = unsafe extern "C" fn(*mut JSContext, JSValue, c_int, *mut JSValue) -> JSValue;
    type Getter = unsafe extern "C" fn(*mut JSContext, JSValue) -> JSValue;
    let kind = sys::JSCFunctionEnum_JS_CFUNC_getter;
    let flags = (sys::JS_PROP_CONFIGURABLE | sys::JS_PROP_ENUMERABLE) as c_int;
    // SAFETY: a getter is called in its own form, whatever it is handed over as; and it is given away.
    unsafe {
        let got = std::mem::transmute::<Getter, Any>(got::<F>);
        let made = sys::JS_NewCFunction2(context(), Some(got), name.as_ptr(), 0, kind, 0);
        let name = Name::new(name).0;
        let object = object.raw();
        sys::JS_DefinePropertyGetSet(context(), object, name, made, sys::JS_UNDEFINED, flags);
    }
}

/// A class whose objects have a `T` of ours.
pub(crate) struct Class<T> {
    id: JSClassID,
    pub(crate) prototype: Value,
    of: PhantomData<T>,
}

unsafe extern "C" fn finalize<T>(_: *mut JSRuntime, object: JSValue) {
    let mut id = 0;
    // SAFETY: the engine calls this once, for an object of the class, which has what `Class::object` gave it.
    unsafe {
        let inner = sys::JS_GetAnyOpaque(object, &mut id).cast::<T>();
        if !inner.is_null() {
            drop(Box::from_raw(inner));
        }
    }
}

impl<T: 'static> Class<T> {
    /// A class of that name, with the constructor that JavaScript sees.
    pub(crate) fn new<F: Native>(name: &'static CStr, construct: F) -> (Class<T>, Value) {
        let definition = JSClassDef {
            class_name: name.as_ptr(),
            finalizer: Some(finalize::<T>),
            gc_mark: None,
            call: None,
            exotic: ptr::null_mut(),
        };
        let constructor = constructor(name, 0, construct);
        let prototype = Value::object();
        let mut id = 0;
        // SAFETY: the engine copies the definition; the prototype is given away once more.
        unsafe {
            let runtime = sys::JS_GetRuntime(context());
            sys::JS_NewClassID(runtime, &mut id);
            sys::JS_NewClass(runtime, id, &definition);
            sys::JS_SetClassProto(context(), id, prototype.clone().into_raw());
            sys::JS_SetConstructor(context(), constructor.raw(), prototype.raw());
        }
        let class = Class {
            id,
            prototype,
            of: PhantomData,
        };
        (class, constructor)
    }

    /// An object with `inner`.
    pub(crate) fn object(&self, inner: T) -> Value {
        // SAFETY: the object owns what the box had; `finalize` frees it.
        unsafe {
            let object = sys::JS_NewObjectClass(context(), self.id);
            sys::JS_SetOpaque(object, Box::into_raw(Box::new(inner)).cast());
            Value::held(object)
        }
    }

    /// What an object of the class has.
    ///
    /// While it is borrowed, nothing else may ask for it: no function of ours calls JavaScript then.
    #[allow(clippy::mut_from_ref)]
    #[inline(always)]
    pub(crate) fn of<'a>(&self, object: &'a Value) -> Option<&'a mut T> {
        // SAFETY: an object of the class has a `T`; see above for the borrow.
        unsafe {
            sys::JS_GetOpaque(object.raw(), self.id)
                .cast::<T>()
                .as_mut()
        }
    }

    /// Gives the class a method.
    pub(crate) fn method<F: Native>(&self, name: &CStr, length: c_int, native: F) {
        // On an object that is ours alone nothing stands in the way.
        let _ = self
            .prototype
            .set_named(name, function(name, length, native));
    }

    /// Gives the class a property that is computed.
    pub(crate) fn getter<F: Native>(&self, name: &CStr, native: F) {
        getter(&self.prototype, name, native);
    }
}
