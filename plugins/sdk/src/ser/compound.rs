//! What has parts: arrays, objects, and variants that hold either.

use super::key::Key;
use super::{Error, Json};
use crate::Writer;
use serde::ser::{
    Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant,
};

/// An array or object that is being written.
pub struct Compound<'a, 'b> {
    writer: &'a mut Writer<'b>,
    first: bool,
}

impl<'a, 'b> Compound<'a, 'b> {
    #[inline(always)]
    pub(super) fn array(writer: &'a mut Writer<'b>) -> Self {
        writer.byte(b'[');
        Compound {
            writer,
            first: true,
        }
    }

    #[inline(always)]
    pub(super) fn object(writer: &'a mut Writer<'b>) -> Self {
        writer.byte(b'{');
        Compound {
            writer,
            first: true,
        }
    }

    #[inline(always)]
    fn comma(&mut self) {
        if !self.first {
            self.writer.byte(b',');
        }
        self.first = false;
    }

    #[inline(always)]
    fn element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.comma();
        value.serialize(Json(self.writer))
    }

    #[inline(always)]
    fn field<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) -> Result<(), Error> {
        self.comma();
        self.writer.string(name);
        self.writer.byte(b':');
        value.serialize(Json(self.writer))
    }

    #[inline(always)]
    fn close(self, with: u8) -> Result<(), Error> {
        self.writer.byte(with);
        Ok(())
    }
}

macro_rules! arrays {
    ($($trait:ident: $method:ident, $end:literal;)*) => { $(
        impl $trait for Compound<'_, '_> {
            type Ok = ();
            type Error = Error;

            #[inline(always)]
            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
                self.element(value)
            }

            #[inline(always)]
            fn end(self) -> Result<(), Error> {
                for &byte in $end {
                    self.writer.byte(byte);
                }
                Ok(())
            }
        }
    )* };
}
arrays! {
    SerializeSeq: serialize_element, b"]";
    SerializeTuple: serialize_element, b"]";
    SerializeTupleStruct: serialize_field, b"]";
    SerializeTupleVariant: serialize_field, b"]}";
}

impl SerializeStruct for Compound<'_, '_> {
    type Ok = ();
    type Error = Error;

    #[inline(always)]
    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        self.field(name, value)
    }

    #[inline(always)]
    fn end(self) -> Result<(), Error> {
        self.close(b'}')
    }
}

impl SerializeStructVariant for Compound<'_, '_> {
    type Ok = ();
    type Error = Error;

    #[inline(always)]
    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        self.field(name, value)
    }

    #[inline(always)]
    fn end(self) -> Result<(), Error> {
        self.writer.byte(b'}');
        self.close(b'}')
    }
}

impl SerializeMap for Compound<'_, '_> {
    type Ok = ();
    type Error = Error;

    #[inline(always)]
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Error> {
        self.comma();
        key.serialize(Key(self.writer))
    }

    #[inline(always)]
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.writer.byte(b':');
        value.serialize(Json(self.writer))
    }

    #[inline(always)]
    fn end(self) -> Result<(), Error> {
        self.close(b'}')
    }
}
