//! Values as JSON text: those that are told at sight. Of any other the SDK's own writer (`plugins/sdk-js/src/json.js`)
//! has the text, or the reason why there is none; so whatever is in doubt here isn't written.
//!
//! Objects with the same properties share what is known of them, the text of their names.

use crate::js::{Kind, Name, Thrown, Value, context, sys};
use crate::json::{self, Form, Names};
use crate::number;
use wellhead_sdk::Writer;

/// Shapes that are kept at one place; any beyond are learnt again.
const SHAPES: usize = 64;
/// How deep objects and arrays go here.
const DEEPEST: usize = 16;

/// Objects with the same properties in the same order.
struct Shape {
    properties: Vec<Property>,
    /// Where the engine has it; 0 where that isn't known.
    address: u32,
    /// Objects with the first property, the first two, and so on. The engine has a shape of its own for each of these
    /// steps, for as long as there is an object that has it: between two records there would be none. So the address,
    /// which is the last one's, stays that of this shape.
    _steps: Vec<Value>,
}

struct Property {
    name: Name,
    /// A comma, the name and a colon.
    before: Vec<u8>,
    values: Values,
}

impl Drop for Property {
    fn drop(&mut self) {
        // SAFETY: held once: see `Shape::of`.
        unsafe { sys::JS_FreeAtom(context(), self.name.0) };
    }
}

/// What writes the values at one place: the records of a channel, or what lies within them under a name.
pub(crate) struct Values {
    /// The most recent one first.
    shapes: Vec<Shape>,
    /// How many decimals numbers have here.
    count: Option<u8>,
    /// The SDK's tree of decimals, from here on.
    decimals: Value,
}

impl Values {
    /// `decimals`: the SDK's tree of them, a count of them, or undefined.
    pub(crate) fn new(decimals: Value) -> Values {
        Values {
            shapes: Vec::new(),
            count: match decimals.kind() {
                Kind::Int(count) => u8::try_from(count).ok(),
                _ => None,
            },
            decimals,
        }
    }

    /// Adds a record, an object, to `payload`. False where it can't be told here; nothing is added then.
    #[inline(always)]
    pub(crate) fn record(&mut self, record: &Value, payload: &mut Vec<u8>) -> Result<bool, Thrown> {
        let start = payload.len();
        let mut writer = Writer::new(payload);
        let written = match self.known(record) {
            Some(shape) => shape.write(&mut writer, record, DEEPEST),
            None if json::form(record)? == Form::Plain => self.object(&mut writer, record, DEEPEST),
            None => Ok(false),
        };
        writer.finish();
        if !matches!(written, Ok(true)) {
            payload.truncate(start);
        }
        written
    }

    /// Writes a value. False where it can't be told here: the whole record is the SDK's then.
    #[inline(always)]
    fn value(
        &mut self,
        writer: &mut Writer<'_>,
        value: &Value,
        deepest: usize,
    ) -> Result<bool, Thrown> {
        match value.kind() {
            Kind::Int(number) => number::int(writer, number, self.count),
            Kind::Float(number) => return Ok(number::float(writer, number, self.count)),
            Kind::Text => {
                let text = value.to_text()?;
                // Half of a surrogate pair isn't UTF-8.
                let Ok(text) = std::str::from_utf8(&text) else {
                    return Ok(false);
                };
                writer.string(text);
            }
            Kind::Bool(true) => writer.bytes(b"true"),
            Kind::Bool(false) => writer.bytes(b"false"),
            Kind::Null => writer.bytes(b"null"),
            Kind::Object => return self.nested(writer, value, deepest),
            _ => return Ok(false),
        }
        Ok(true)
    }

    #[inline(never)]
    fn nested(
        &mut self,
        writer: &mut Writer<'_>,
        object: &Value,
        deepest: usize,
    ) -> Result<bool, Thrown> {
        let Some(deepest) = deepest.checked_sub(1) else {
            return Ok(false);
        };
        if let Some(shape) = self.known(object) {
            return shape.write(writer, object, deepest);
        }
        match json::form(object)? {
            Form::Plain => self.object(writer, object, deepest),
            Form::Array => self.items(writer, object, deepest),
            Form::Other => Ok(false),
        }
    }

    fn items(
        &mut self,
        writer: &mut Writer<'_>,
        array: &Value,
        deepest: usize,
    ) -> Result<bool, Thrown> {
        writer.byte(b'[');
        for place in 0..array.length()? {
            if place > 0 {
                writer.byte(b',');
            }
            if !self.value(writer, &array.at(place)?, deepest)? {
                return Ok(false);
            }
        }
        writer.byte(b']');
        Ok(true)
    }

    /// The shape of an object, where it is told by its address.
    #[inline(always)]
    fn known(&mut self, object: &Value) -> Option<&mut Shape> {
        let address = json::shape(object);
        if self.shapes.first()?.address != address {
            self.advance(address);
        }
        let shape = self.shapes.first_mut()?;
        (shape.address == address && address != 0).then_some(shape)
    }

    /// Brings the shape at that address to the front, if it is there.
    #[inline(never)]
    fn advance(&mut self, address: u32) {
        if let Some(place) = self
            .shapes
            .iter()
            .position(|shape| shape.address == address)
        {
            self.shapes.swap(0, place);
        }
    }

    #[inline(never)]
    fn object(
        &mut self,
        writer: &mut Writer<'_>,
        object: &Value,
        deepest: usize,
    ) -> Result<bool, Thrown> {
        let names = Names::of(object)?;
        if !self.choose(object, &names)? {
            return Ok(false);
        }
        drop(names);
        match self.shapes.first_mut() {
            Some(shape) => shape.write(writer, object, deepest),
            None => Ok(false),
        }
    }

    /// Brings the shape of these names to the front. False where one can't be written.
    #[cold]
    fn choose(&mut self, object: &Value, names: &Names) -> Result<bool, Thrown> {
        if let Some(place) = self.shapes.iter().position(|shape| shape.has(names)) {
            self.shapes.swap(0, place);
            return Ok(true);
        }
        let Some(shape) = Shape::of(object, names, &self.decimals)? else {
            return Ok(false);
        };
        self.shapes.truncate(SHAPES - 1);
        self.shapes.insert(0, shape);
        Ok(true)
    }
}

impl Shape {
    fn of(object: &Value, names: &Names, decimals: &Value) -> Result<Option<Shape>, Thrown> {
        let mut properties = Vec::with_capacity(names.iter().len());
        for name in names.iter() {
            let Some(before) = json::quoted(name)? else {
                return Ok(None);
            };
            // SAFETY: held until the property is dropped.
            let name = Name(unsafe { sys::JS_DupAtom(context(), name.0) });
            let within = match decimals.kind() {
                Kind::Object => decimals.get(name)?,
                _ => Value::UNDEFINED,
            };
            properties.push(Property {
                name,
                before,
                values: Values::new(within),
            });
        }
        let names: Vec<Name> = properties.iter().map(|property| property.name).collect();
        let steps = (0..=names.len()).map(|count| json::like(object, &names[..count]));
        let steps = steps.collect::<Result<Vec<Value>, Thrown>>()?;
        Ok(Some(Shape {
            address: steps.last().map_or(0, json::shape),
            properties,
            _steps: steps,
        }))
    }

    #[inline(always)]
    fn has(&self, names: &Names) -> bool {
        let own = self.properties.iter().map(|property| property.name);
        self.properties.len() == names.iter().len() && own.eq(names.iter())
    }

    #[inline(always)]
    fn write(
        &mut self,
        writer: &mut Writer<'_>,
        object: &Value,
        deepest: usize,
    ) -> Result<bool, Thrown> {
        let mut first = true;
        let count = self.properties.len();
        let mut values = json::values(object, self.address, count);
        for (place, property) in self.properties.iter_mut().enumerate() {
            let held;
            let value = match values {
                Some(values) => &values[place],
                None => {
                    held = object.get(property.name)?;
                    &held
                }
            };
            // As JSON.stringify does.
            if value.is_undefined() {
                continue;
            }
            if first {
                writer.byte(b'{');
                writer.bytes(&property.before[1..]);
                first = false;
            } else {
                writer.bytes(&property.before);
            }
            if value.kind() == Kind::Object {
                // Its prototype may have JavaScript of its own, which may do anything to the object around it.
                let inner = value.clone();
                if !property.values.nested(writer, &inner, deepest)? {
                    return Ok(false);
                }
                values = json::values(object, self.address, count);
            } else if !property.values.value(writer, value, deepest)? {
                return Ok(false);
            }
        }
        writer.bytes(if first { b"{}" } else { b"}" });
        Ok(true)
    }
}
