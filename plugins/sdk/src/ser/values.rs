//! The crate's own values as `serde` sees them.

use super::{CENTS, Error};
use crate::{Cents, Entry, Time, Word, Writer};
use serde::ser::{Error as _, Impossible, Serialize, Serializer};

impl Serialize for Cents {
    /// A number with two decimals in [`Json`](super::Json); the hundredths elsewhere.
    #[inline(always)]
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_newtype_struct(CENTS, &self.0)
    }
}

impl<const W: usize> Serialize for Word<'_, W> {
    #[inline(always)]
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl Serialize for Entry<'_> {
    #[inline(always)]
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl Serialize for Time<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = self.to_text();
        serializer.serialize_str(str::from_utf8(&text).map_err(S::Error::custom)?)
    }
}

/// Takes the number inside [`Cents`], and nothing else.
pub(super) struct AsCents<'a, 'b>(pub &'a mut Writer<'b>);

macro_rules! refused {
    ($($method:ident($($arg:ty),*) -> $ok:ty;)*) => { $(
        fn $method(self, $(_: $arg),*) -> Result<$ok, Error> {
            Err(not_cents())
        }
    )* };
}
macro_rules! refused_value {
    ($($method:ident($($arg:ty),*);)*) => { $(
        fn $method<T: Serialize + ?Sized>(self, $(_: $arg,)* _: &T) -> Result<(), Error> {
            Err(not_cents())
        }
    )* };
}

#[cold]
fn not_cents() -> Error {
    Error::custom(format_args!(
        "{CENTS} is the name of an amount in hundredths, a u32"
    ))
}

impl Serializer for AsCents<'_, '_> {
    type Ok = ();
    type Error = Error;
    type SerializeSeq = Impossible<(), Error>;
    type SerializeTuple = Impossible<(), Error>;
    type SerializeTupleStruct = Impossible<(), Error>;
    type SerializeTupleVariant = Impossible<(), Error>;
    type SerializeMap = Impossible<(), Error>;
    type SerializeStruct = Impossible<(), Error>;
    type SerializeStructVariant = Impossible<(), Error>;

    #[inline(always)]
    fn serialize_u32(self, v: u32) -> Result<(), Error> {
        self.0.cents(v);
        Ok(())
    }

    refused! {
        serialize_bool(bool) -> ();
        serialize_i8(i8) -> (); serialize_i16(i16) -> (); serialize_i32(i32) -> ();
        serialize_i64(i64) -> ();
        serialize_u8(u8) -> (); serialize_u16(u16) -> (); serialize_u64(u64) -> ();
        serialize_f32(f32) -> (); serialize_f64(f64) -> ();
        serialize_char(char) -> (); serialize_str(&str) -> (); serialize_bytes(&[u8]) -> ();
        serialize_none() -> (); serialize_unit() -> ();
        serialize_unit_struct(&'static str) -> ();
        serialize_unit_variant(&'static str, u32, &'static str) -> ();
        serialize_seq(Option<usize>) -> Self::SerializeSeq;
        serialize_tuple(usize) -> Self::SerializeTuple;
        serialize_tuple_struct(&'static str, usize) -> Self::SerializeTupleStruct;
        serialize_tuple_variant(&'static str, u32, &'static str, usize) -> Self::SerializeTupleVariant;
        serialize_map(Option<usize>) -> Self::SerializeMap;
        serialize_struct(&'static str, usize) -> Self::SerializeStruct;
        serialize_struct_variant(&'static str, u32, &'static str, usize) -> Self::SerializeStructVariant;
    }
    refused_value! {
        serialize_some();
        serialize_newtype_struct(&'static str);
        serialize_newtype_variant(&'static str, u32, &'static str);
    }
}
