//! Keys of maps, which JSON wants to be strings: numbers and booleans get quotes.

use super::{Error, Json};
use crate::Writer;
use serde::ser::{Error as _, Impossible, Serialize, Serializer};

pub(super) struct Key<'a, 'b>(pub &'a mut Writer<'b>);

impl Key<'_, '_> {
    /// A scalar between quotes.
    fn quoted<T: Serialize>(self, value: T) -> Result<(), Error> {
        self.0.byte(b'"');
        value.serialize(Json(self.0))?;
        self.0.byte(b'"');
        Ok(())
    }
}

fn not_a_string<T>() -> Result<T, Error> {
    Err(Error::custom("a key of a JSON object must be a string"))
}

macro_rules! quoted {
    ($($method:ident($type:ty);)*) => { $(
        fn $method(self, v: $type) -> Result<(), Error> {
            self.quoted(v)
        }
    )* };
}
macro_rules! refused {
    ($($method:ident($($arg:ty),*) -> $ok:ty;)*) => { $(
        fn $method(self, $(_: $arg),*) -> Result<$ok, Error> {
            not_a_string()
        }
    )* };
}

impl Serializer for Key<'_, '_> {
    type Ok = ();
    type Error = Error;
    type SerializeSeq = Impossible<(), Error>;
    type SerializeTuple = Impossible<(), Error>;
    type SerializeTupleStruct = Impossible<(), Error>;
    type SerializeTupleVariant = Impossible<(), Error>;
    type SerializeMap = Impossible<(), Error>;
    type SerializeStruct = Impossible<(), Error>;
    type SerializeStructVariant = Impossible<(), Error>;

    quoted! {
        serialize_bool(bool);
        serialize_i8(i8); serialize_i16(i16); serialize_i32(i32); serialize_i64(i64);
        serialize_i128(i128);
        serialize_u8(u8); serialize_u16(u16); serialize_u32(u32); serialize_u64(u64);
        serialize_u128(u128);
    }
    refused! {
        serialize_bytes(&[u8]) -> ();
        serialize_none() -> ();
        serialize_unit() -> ();
        serialize_unit_struct(&'static str) -> ();
        serialize_seq(Option<usize>) -> Self::SerializeSeq;
        serialize_tuple(usize) -> Self::SerializeTuple;
        serialize_tuple_struct(&'static str, usize) -> Self::SerializeTupleStruct;
        serialize_tuple_variant(&'static str, u32, &'static str, usize) -> Self::SerializeTupleVariant;
        serialize_map(Option<usize>) -> Self::SerializeMap;
        serialize_struct(&'static str, usize) -> Self::SerializeStruct;
        serialize_struct_variant(&'static str, u32, &'static str, usize) -> Self::SerializeStructVariant;
    }

    fn serialize_f32(self, v: f32) -> Result<(), Error> {
        if v.is_finite() {
            self.quoted(v)
        } else {
            not_a_string()
        }
    }

    fn serialize_f64(self, v: f64) -> Result<(), Error> {
        if v.is_finite() {
            self.quoted(v)
        } else {
            not_a_string()
        }
    }

    fn serialize_char(self, v: char) -> Result<(), Error> {
        Json(self.0).serialize_char(v)
    }

    #[inline(always)]
    fn serialize_str(self, v: &str) -> Result<(), Error> {
        self.0.string(v);
        Ok(())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Error> {
        value.serialize(self)
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<(), Error> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<(), Error> {
        not_a_string()
    }
}
