//! The macros that authors use.

/// Writes one record, as a JSON object, into an [`Out`](crate::Out).
///
/// Keys and punctuation become literals at compile time; values are whatever is
/// [`Put`](crate::Put); objects nest.
///
/// ```
/// # use wellhead_sdk::{record, Cents, Out};
/// # fn f(out: &mut Out<'_>, id: u64) {
/// record!(out, { "id": id, "user": { "name": "Mia" }, "amount": Cents(1250), "note": None::<&str> });
/// # }
/// ```
#[macro_export]
macro_rules! record {
    ($out:expr, { $($fields:tt)* }) => {{
        let mut writer = $out.writer();
        $crate::object!(&mut writer, { $($fields)* });
        writer.finish();
    }};
}

/// Writes a JSON object into a [`Writer`](crate::Writer); for [`Put`](crate::Put) of your own.
#[macro_export]
macro_rules! object {
    (@fields $w:ident $before:literal) => { $crate::lit!($w, "}") };
    (@fields $w:ident $before:literal $key:literal : { $($inner:tt)* } $(, $($rest:tt)*)?) => {
        $crate::object!(@inner $w (concat!($before, "\"", $key, "\":{")) $($inner)*);
        $crate::object!(@fields $w "," $($($rest)*)?)
    };
    (@fields $w:ident $before:literal $key:literal : $value:expr $(, $($rest:tt)*)?) => {
        $crate::lit!($w, concat!($before, "\"", $key, "\":"));
        $crate::Put::put($value, &mut *$w);
        $crate::object!(@fields $w "," $($($rest)*)?)
    };
    // The first field of a nested object shares its literal with what opens the object.
    (@inner $w:ident ($open:expr)) => { $crate::lit!($w, concat!($open, "}")) };
    (@inner $w:ident ($open:expr) $key:literal : { $($inner:tt)* } $(, $($rest:tt)*)?) => {
        $crate::object!(@inner $w (concat!($open, "\"", $key, "\":{")) $($inner)*);
        $crate::object!(@fields $w "," $($($rest)*)?)
    };
    (@inner $w:ident ($open:expr) $key:literal : $value:expr $(, $($rest:tt)*)?) => {
        $crate::lit!($w, concat!($open, "\"", $key, "\":"));
        $crate::Put::put($value, &mut *$w);
        $crate::object!(@fields $w "," $($($rest)*)?)
    };
    ($w:expr, { $($fields:tt)* }) => {{
        let w: &mut $crate::Writer<'_> = $w;
        $crate::object!(@inner w ("{") $($fields)*);
    }};
}

/// Writes text known to the compiler, of any length, into a [`Writer`](crate::Writer).
#[macro_export]
macro_rules! lit {
    ($w:expr, $text:expr) => {{
        const LITERAL: &$crate::Lit<{ $crate::slots($text.len()) }> = &$crate::Lit::new($text);
        $w.lit(LITERAL)
    }};
}

/// Makes a [`Generator`](crate::Generator) the one of this crate: what a component exports, and
/// natively `GENERATOR`, a [`native::Entry`](crate::native::Entry) of functions.
#[macro_export]
macro_rules! export {
    ($generator:ty) => {
        /// The generator of this crate, to be run natively.
        #[cfg(not(target_arch = "wasm32"))]
        pub static GENERATOR: $crate::native::Entry = $crate::native::Entry::of::<$generator>();

        #[cfg(target_arch = "wasm32")]
        #[allow(unsafe_code)]
        const _: () = {
            type Component = $crate::wasm::Component<$generator>;
    $crate::wasm::export_component!(Component with_types_in $crate::wasm);
        };
    };
}
