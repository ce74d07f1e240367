//! The stock generators, which are part of the program.

include!(concat!(env!("OUT_DIR"), "/stock.rs"));

/// Names of the stock generators.
pub fn names() -> impl Iterator<Item = &'static str> {
    STOCK.iter().map(|(name, _)| *name)
}

/// The component of a stock generator.
pub(super) fn component(name: &str) -> Option<std::io::Result<Vec<u8>>> {
    let (_, compressed) = STOCK.iter().find(|(stock, _)| *stock == name)?;
    Some(zstd::decode_all(*compressed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_stock_generator_is_a_component() {
        assert_eq!(names().count(), 7);
        for name in names() {
            let bytes = component(name).unwrap().unwrap();
            assert_eq!(&bytes[..8], b"\0asm\x0d\0\x01\0", "{name}");
        }
        assert!(component("none").is_none());
    }
}
