//! What objects are made of, as far as JSON goes.

use std::sync::OnceLock;

use crate::js::{Name, Thrown, Value, context, sys};
use wellhead_sdk::Writer;

/// What objects are told apart by.
struct Known {
    /// The engine's number for the class of what has no form of its own, `{}` and objects of authors' classes.
    plain: u32,
    object: Value,
    array: Value,
    to_json: Name,
}

static KNOWN: OnceLock<Known> = OnceLock::new();

/// Learns what the engine's objects are.
pub(crate) fn learn() -> Result<(), Thrown> {
    let global = Value::global();
    let prototype = |name| {
        let class = global.get(Name::new(name))?;
        class.get(Name::new(c"prototype"))
    };
    let known = Known {
        // SAFETY: looks at an object.
        plain: unsafe { sys::JS_GetClassID(Value::object().raw()) },
        object: prototype(c"Object")?,
        array: prototype(c"Array")?,
        to_json: Name::new(c"toJSON"),
    };
    let _ = KNOWN.set(known);
    Ok(())
}

/// What an object is, as far as its form goes.
#[derive(PartialEq)]
pub(crate) enum Form {
    /// Its own properties.
    Plain,
    Array,
    /// Something that the SDK has to look at.
    Other,
}

/// The form of an object.
#[inline(always)]
pub(crate) fn form(object: &Value) -> Result<Form, Thrown> {
    let Some(known) = KNOWN.get() else {
        return Ok(Form::Other);
    };
    // SAFETY: looks at an object, and gives one that is held.
    let (class, prototype) = unsafe {
        let prototype = Value::held(sys::JS_GetPrototype(context(), object.raw()));
        (sys::JS_GetClassID(object.raw()), prototype)
    };
    if prototype.raw() == known.array.raw() {
        return Ok(Form::Array);
    }
    let plain = class == known.plain
        && (prototype.raw() == known.object.raw() || object.get(known.to_json)?.is_undefined());
    Ok(if plain { Form::Plain } else { Form::Other })
}

/// The names of an object's properties, in their order. Integers come first, as everywhere in JavaScript.
pub(crate) struct Names {
    at: *mut sys::JSPropertyEnum,
    count: u32,
}

impl Names {
    #[inline(always)]
    pub(crate) fn of(object: &Value) -> Result<Names, Thrown> {
        let mut names = Names {
            at: std::ptr::null_mut(),
            count: 0,
        };
        let flags = (sys::JS_GPN_STRING_MASK | sys::JS_GPN_ENUM_ONLY) as i32;
        let (at, count) = (&mut names.at, &mut names.count);
        // SAFETY: writes both, and what they say is released once.
        match unsafe { sys::JS_GetOwnPropertyNames(context(), at, count, object.raw(), flags) } {
            ..0 => Err(Thrown::last()),
            _ => Ok(names),
        }
    }

    #[inline(always)]
    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = Name> {
        let names: &[sys::JSPropertyEnum] = match self.count {
            0 => &[],
            // SAFETY: so many are there until this is dropped.
            count => unsafe { std::slice::from_raw_parts(self.at, count as usize) },
        };
        names.iter().map(|name| Name(name.atom))
    }
}

impl Drop for Names {
    #[inline(always)]
    fn drop(&mut self) {
        // SAFETY: held once.
        unsafe { sys::JS_FreePropertyEnum(context(), self.at, self.count) };
    }
}

/// A name's text in UTF-8, quoted and escaped, with a comma before and a colon behind. None where it isn't well-formed.
pub(crate) fn quoted(name: Name) -> Result<Option<Vec<u8>>, Thrown> {
    // SAFETY: gives a value that is held.
    let name = Value::result(unsafe { sys::JS_AtomToString(context(), name.0) })?;
    let name = name.to_text()?;
    let Ok(name) = std::str::from_utf8(&name) else {
        return Ok(None);
    };
    let mut text = vec![b','];
    let mut writer = Writer::new(&mut text);
    writer.string(name);
    writer.byte(b':');
    writer.finish();
    Ok(Some(text))
}
