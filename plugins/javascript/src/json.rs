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
    /// Which words of an object are the addresses of its shape and of its properties' values: see `words`.
    words: Option<[usize; 2]>,
}

static KNOWN: OnceLock<Known> = OnceLock::new();

/// Learns what the engine's objects are.
pub(crate) fn learn() -> Result<(), Thrown> {
    let global = Value::global();
    let prototype = |name| {
        let class = global.named(name)?;
        class.named(c"prototype")
    };
    let known = Known {
        // SAFETY: looks at an object.
        plain: unsafe { sys::JS_GetClassID(Value::object().raw()) },
        object: prototype(c"Object")?,
        array: prototype(c"Array")?,
        to_json: Name::new(c"toJSON"),
        words: words()?,
    };
    let _ = KNOWN.set(known);
    Ok(())
}

/// Of an object's words in memory, so many are looked at.
const WORDS: usize = 12;

/// Finds the words in which an object has the address of its shape (the list of its properties and its prototype, which
/// the engine shares among objects that are alike) and that of its properties' values, in the shape's order. The engine
/// has no function that says them, and to ask for names and values one by one costs a fifth of a record's time. So they
/// are looked for while a bundle is loaded: the one word that two objects with the same properties share, and that
/// differs in others; and the one that leads to values that are known. Where either isn't clear, the engine is asked.
fn words() -> Result<Option<[usize; 2]>, Thrown> {
    const VALUES: [u32; 2] = [305_419_896, 591_751_049];
    let with = |names: &[&std::ffi::CStr]| {
        let object = Value::object();
        for (name, value) in names.iter().zip(VALUES) {
            object.set_named(name, Value::integer(value))?;
        }
        Ok(object)
    };
    let [one, same] = [with(&[c"a", c"b"])?, with(&[c"a", c"b"])?];
    let others = [with(&[c"b", c"a"])?, with(&[c"a"])?, with(&[])?];
    let shape = only(|place| {
        let here = word(&one, place);
        here == word(&same, place) && others.iter().all(|other| word(other, place) != here)
    });
    let held = VALUES.map(|value| Value::integer(value).raw());
    let values = only(|place| {
        let at = word(&one, place) as usize;
        if at == 0 || !at.is_multiple_of(align_of::<Value>()) || at > memory() - size_of_val(&held)
        {
            return false;
        }
        // SAFETY: so many bytes of memory are there, whatever they mean.
        unsafe { *(at as *const [u64; 2]) == held }
    });
    Ok(shape.zip(values).map(|(shape, values)| [shape, values]))
}

/// The one place among an object's words that is right.
fn only(right: impl Fn(usize) -> bool) -> Option<usize> {
    let mut places = (0..WORDS).filter(|&place| right(place));
    places.next().filter(|_| places.next().is_none())
}

/// Bytes of memory.
fn memory() -> usize {
    core::arch::wasm32::memory_size(0) << 16
}

#[inline(always)]
fn word(object: &Value, place: usize) -> u32 {
    // SAFETY: an object has more than that many words before what belongs to its class; it is only read.
    unsafe {
        let words: *const u32 = sys::JS_VALUE_GET_PTR(object.raw()).cast();
        words.add(place).read()
    }
}

/// Where the shape of an object is; 0 where that isn't known.
#[inline(always)]
pub(crate) fn shape(object: &Value) -> u32 {
    match KNOWN.get() {
        Some(Known {
            words: Some([shape, _]),
            ..
        }) => word(object, *shape),
        _ => 0,
    }
}

/// The values of an object's properties, where it has the shape at `address`, and so `count` of them, each of which is a
/// value. They are the object's, and good until JavaScript runs.
#[inline(always)]
pub(crate) fn values(object: &Value, address: u32, count: usize) -> Option<&[Value]> {
    let [shape, values] = KNOWN.get()?.words?;
    if address == 0 || word(object, shape) != address {
        return None;
    }
    // SAFETY: by its shape.
    unsafe {
        Some(std::slice::from_raw_parts(
            word(object, values) as *const Value,
            count,
        ))
    }
}

/// An object with these properties and the same prototype as another: with the same shape.
pub(crate) fn like(object: &Value, names: &[Name]) -> Result<Value, Thrown> {
    // SAFETY: both are held, and both calls give what is.
    let like = unsafe {
        let prototype = Value::held(sys::JS_GetPrototype(context(), object.raw()));
        Value::result(sys::JS_NewObjectProto(context(), prototype.raw()))?
    };
    for &name in names {
        let flags = sys::JS_PROP_C_W_E as i32;
        // SAFETY: defines it on an object that is ours, past all setters.
        unsafe { sys::JS_DefinePropertyValue(context(), like.raw(), name.0, sys::JS_NULL, flags) };
    }
    Ok(like)
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
