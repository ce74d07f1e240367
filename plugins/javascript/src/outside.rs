//! What JavaScript finds of us: `wellhead`, with the host's log and assets, UTF-8, and the classes of this crate. The
//! SDK takes it out of the global object before an author's module is loaded.

use std::ffi::CStr;

use crate::js::{Kind, Thrown, Value};
use crate::native::function;
use crate::{draws, tick};
use wellhead_sdk::{assets, log};

/// Sets a property of an object that is ours, where nothing can go wrong.
pub(crate) fn put(object: &Value, name: &CStr, value: Value) {
    let _ = object.set_named(name, value);
}

/// Makes the object.
pub(crate) fn laid_out() -> Value {
    let wellhead = Value::object();
    draws::lay_out(&wellhead);
    tick::lay_out(&wellhead);
    put(&wellhead, c"log", function(c"log", 2, logged));
    put(&wellhead, c"size", function(c"size", 1, size));
    put(&wellhead, c"read", function(c"read", 3, read));
    put(&wellhead, c"encode", function(c"encode", 1, encode));
    put(&wellhead, c"decode", function(c"decode", 2, decode));
    wellhead
}

/// The value at a place, as text.
fn text(values: &[Value], place: usize) -> Result<String, Thrown> {
    values
        .get(place)
        .map_or(Ok(String::new()), Value::to_owned_text)
}

fn number(values: &[Value], place: usize) -> u64 {
    values.get(place).and_then(Value::to_u64).unwrap_or(0)
}

fn logged(_: &Value, values: &[Value]) -> Result<Value, Thrown> {
    let message = text(values, 1)?;
    match text(values, 0)?.as_str() {
        "debug" => log::debug(&message),
        "info" => log::info(&message),
        "warn" => log::warn(&message),
        _ => log::error(&message),
    }
    Ok(Value::UNDEFINED)
}

fn size(_: &Value, values: &[Value]) -> Result<Value, Thrown> {
    let size = assets::size(&text(values, 0)?);
    Ok(size.map_or(Value::UNDEFINED, |size| Value::number(size as f64)))
}

fn read(_: &Value, values: &[Value]) -> Result<Value, Thrown> {
    let length = u32::try_from(number(values, 2)).unwrap_or(u32::MAX);
    let piece = assets::piece(&text(values, 0)?, number(values, 1), length);
    Ok(Value::bytes(&piece))
}

/// The text of a value in UTF-8, in which half of a surrogate pair becomes U+FFFD.
fn encode(_: &Value, values: &[Value]) -> Result<Value, Thrown> {
    Ok(Value::bytes(text(values, 0)?.as_bytes()))
}

/// The text of bytes in UTF-8; what isn't well-formed is an error where the second value is true, else U+FFFD.
fn decode(_: &Value, values: &[Value]) -> Result<Value, Thrown> {
    let bytes = values.first().and_then(Value::as_bytes).unwrap_or(&[]);
    let fatal = values.get(1).map(Value::kind) == Some(Kind::Bool(true));
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(Value::text(text)),
        Err(_) if fatal => Err(Thrown::type_error("the bytes are no UTF-8")),
        Err(_) => Ok(Value::text(&String::from_utf8_lossy(bytes))),
    }
}
