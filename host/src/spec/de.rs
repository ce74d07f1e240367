//! From a tree to Rust types through serde, with errors that know their place.

use std::fmt::Display;
use std::ops::Range;

use serde::de::value::StrDeserializer;
use serde::de::{
    self, DeserializeSeed, EnumAccess, IntoDeserializer, MapAccess, SeqAccess, Visitor,
};
use serde::forward_to_deserialize_any;

use super::place::{nearest, suggest};
use super::tree::{Data, Key, Node};

/// What serde found wrong, and where.
#[derive(Debug)]
pub struct Fault {
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
    /// Where: the innermost value or name that was being read.
    pub span: Option<Range<usize>>,
}

impl Fault {
    fn new(message: String) -> Fault {
        Fault {
            message,
            help: None,
            span: None,
        }
    }

    fn at(mut self, span: &Range<usize>) -> Fault {
        self.span.get_or_insert_with(|| span.clone());
        self
    }
}

impl Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Fault {}

impl de::Error for Fault {
    /// A custom message may bring its advice behind a line feed.
    fn custom<T: Display>(message: T) -> Fault {
        let text = message.to_string();
        match text.split_once('\n') {
            Some((message, help)) => Fault {
                help: Some(help.to_owned()),
                ..Fault::new(message.to_owned())
            },
            None => Fault::new(text),
        }
    }

    fn invalid_type(unexpected: de::Unexpected<'_>, expected: &dyn de::Expected) -> Fault {
        use de::Unexpected::{Bool, Float, Map, Seq, Signed, Str, Unit, Unsigned};
        let found = match unexpected {
            Bool(value) => format!("`{value}`"),
            Unsigned(value) => format!("the number {value}"),
            Signed(value) => format!("the number {value}"),
            Float(value) => format!("the number {value}"),
            Str(value) => format!("the text \"{value}\""),
            Unit => "nothing".to_owned(),
            Seq => "a list".to_owned(),
            Map => "a map".to_owned(),
            other => other.to_string(),
        };
        Fault::new(format!(
            "expected {}, found {found}",
            plain(&expected.to_string())
        ))
    }

    fn invalid_value(unexpected: de::Unexpected<'_>, expected: &dyn de::Expected) -> Fault {
        de::Error::invalid_type(unexpected, expected)
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Fault {
        Fault {
            help: Some(suggest(field, expected)),
            ..Fault::new(format!("unknown field `{field}`"))
        }
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Fault {
        Fault {
            help: nearest(variant, expected.iter().copied())
                .map(|near| format!("did you mean `{near}`?")),
            ..Fault::new(format!("`{variant}` is not one of {}", expected.join(", ")))
        }
    }

    fn missing_field(field: &'static str) -> Fault {
        Fault::new(format!("`{field}` is missing"))
    }
}

/// serde's names of types, as a person calls them.
fn plain(expected: &str) -> &str {
    match expected {
        "u64" | "u32" | "usize" | "u16" | "u8" => "a whole number, not negative",
        "f64" | "f32" => "a number",
        "a boolean" => "true or false",
        "a string" => "text",
        "a sequence" => "a list",
        other if other.starts_with("struct ") => "a map",
        other => other,
    }
}

impl<'de> de::Deserializer<'de> for &'de Node {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        let result = match &self.data {
            Data::Null => visitor.visit_unit(),
            Data::Bool(value) => visitor.visit_bool(*value),
            Data::Integer(value) => match (u64::try_from(*value), i64::try_from(*value)) {
                (Ok(value), _) => visitor.visit_u64(value),
                (_, Ok(value)) => visitor.visit_i64(value),
                _ => Err(Fault::new(format!("the number {value} is too large"))),
            },
            Data::Float(value) => visitor.visit_f64(*value),
            Data::Text(value) => visitor.visit_borrowed_str(value),
            Data::List(items) => visitor.visit_seq(List(items.iter())),
            Data::Map(entries) => visitor.visit_map(Entries {
                rest: entries.iter(),
                value: None,
            }),
        };
        result.map_err(|fault| fault.at(&self.span))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.data {
            Data::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
        .map_err(|fault| fault.at(&self.span))
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        let result = visitor.visit_newtype_struct(self);
        result.map_err(|fault| fault.at(&self.span))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        let result = match &self.data {
            Data::Text(name) => {
                let variant: StrDeserializer<'_, Fault> = name.as_str().into_deserializer();
                visitor.visit_enum(variant)
            }
            Data::Map(entries) => match entries.as_slice() {
                [(key, value)] => visitor.visit_enum(Variant { key, value }),
                _ => Err(Fault::new("expected exactly one name here".to_owned())),
            },
            _ => return self.deserialize_any(visitor),
        };
        result.map_err(|fault| fault.at(&self.span))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

struct List<'de>(std::slice::Iter<'de, Node>);

impl<'de> SeqAccess<'de> for List<'de> {
    type Error = Fault;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Fault> {
        self.0.next().map(|node| seed.deserialize(node)).transpose()
    }
}

struct Entries<'de> {
    rest: std::slice::Iter<'de, (Key, Node)>,
    value: Option<&'de Node>,
}

impl<'de> MapAccess<'de> for Entries<'de> {
    type Error = Fault;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Fault> {
        let Some((key, value)) = self.rest.next() else {
            return Ok(None);
        };
        self.value = Some(value);
        read_key(key, seed).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Fault> {
        match self.value.take() {
            Some(value) => seed.deserialize(value),
            None => Err(Fault::new(
                "a value was asked for before its name".to_owned(),
            )),
        }
    }
}

fn read_key<'de, K: DeserializeSeed<'de>>(key: &'de Key, seed: K) -> Result<K::Value, Fault> {
    let text: de::value::BorrowedStrDeserializer<'de, Fault> =
        de::value::BorrowedStrDeserializer::new(&key.text);
    seed.deserialize(text).map_err(|fault| fault.at(&key.span))
}

struct Variant<'de> {
    key: &'de Key,
    value: &'de Node,
}

impl<'de> EnumAccess<'de> for Variant<'de> {
    type Error = Fault;
    type Variant = Content<'de>;

    fn variant_seed<V: DeserializeSeed<'de>>(
        self,
        seed: V,
    ) -> Result<(V::Value, Content<'de>), Fault> {
        Ok((read_key(self.key, seed)?, Content(self.value)))
    }
}

struct Content<'de>(&'de Node);

impl<'de> de::VariantAccess<'de> for Content<'de> {
    type Error = Fault;

    fn unit_variant(self) -> Result<(), Fault> {
        de::Deserialize::deserialize(self.0)
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Fault> {
        seed.deserialize(self.0)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _len: usize, visitor: V) -> Result<V::Value, Fault> {
        de::Deserializer::deserialize_any(self.0, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        de::Deserializer::deserialize_any(self.0, visitor)
    }
}
