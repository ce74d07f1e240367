//! Finding a named field in JSON text, quickly.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use memchr::memmem::Finder;

use super::scan::{Members, blank, same_name, value_end};

/// A field of a JSON object, nested by dots: `customer.address.city`.
#[derive(Clone, Debug)]
pub struct Path {
    steps: Box<[Step]>,
}

#[derive(Clone, Debug)]
struct Step {
    name: Box<[u8]>,
    /// Finds `"name":`; nothing where the name would have to be escaped.
    mark: Option<Finder<'static>>,
    /// Where it was the last time: records of one generator are much alike.
    latest: Latest,
}

#[derive(Debug, Default)]
struct Latest(AtomicUsize);

impl Clone for Latest {
    fn clone(&self) -> Latest {
        Latest::default()
    }
}

impl PartialEq for Path {
    fn eq(&self, other: &Path) -> bool {
        self.names().eq(other.names())
    }
}

impl Eq for Path {}

impl Path {
    /// From the text between the braces of a template. Nothing where a name is empty.
    pub fn parse(text: &str) -> Option<Path> {
        let steps: Box<[Step]> = text.split('.').map(Step::new).collect();
        let named = steps.iter().all(|step| !step.name.is_empty());
        named.then_some(Path { steps })
    }

    /// The names, from the outermost on.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let names = self
            .steps
            .iter()
            .map(|step| std::str::from_utf8(&step.name));
        names.map(Result::unwrap_or_default)
    }

    /// The JSON text of the field's value. Nothing where the record hasn't got it.
    #[inline]
    pub fn find<'a>(&self, record: &'a [u8]) -> Option<&'a [u8]> {
        self.steps
            .iter()
            .try_fold(record, |object, step| step.find(object))
    }
}

impl Step {
    fn new(name: &str) -> Step {
        let plain = !name.contains(['"', '\\']);
        let mark = format!("\"{name}\":");
        Step {
            name: name.as_bytes().into(),
            mark: plain.then(|| Finder::new(mark.as_bytes()).into_owned()),
            latest: Latest::default(),
        }
    }

    #[inline]
    fn find<'a>(&self, object: &'a [u8]) -> Option<&'a [u8]> {
        match self.spot(object) {
            Some(value) => Some(value),
            None => Members::of(object)
                .find(|(key, _)| same_name(key, &self.name))
                .map(|(_, value)| value),
        }
    }

    /// Most fields that people name come before anything nested. Then it takes one search, and a
    /// look at what is before the hit: no bracket but the first and no escape, so that it is in
    /// the outermost object; an even number of quotes, so that it isn't within a string. Gives
    /// nothing where that doesn't hold.
    #[inline]
    fn spot<'a>(&self, object: &'a [u8]) -> Option<&'a [u8]> {
        let mark = self.mark.as_ref()?;
        let latest = self.latest.0.load(Relaxed);
        let there = object
            .get(latest..)
            .is_some_and(|rest| rest.starts_with(mark.needle()));
        let hit = if there { latest } else { mark.find(object)? };
        let (&first, before) = object.get(..hit)?.split_first()?;
        if first != b'{' || !outermost(before) {
            return None;
        }
        self.latest.0.store(hit, Relaxed);
        let value = blank(object, hit + mark.needle().len());
        Some(&object[value..value_end(object, value)?])
    }
}

/// Whether there is no bracket, brace or backslash (nor a vertical bar, which costs nothing to
/// leave out) and an even number of quotes. Eight bytes at a time.
#[inline]
fn outermost(text: &[u8]) -> bool {
    let (words, rest) = text.as_chunks::<8>();
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    let (mut quotes, mut others) = (0, 0);
    for &word in words.iter().chain([&last]) {
        let word = u64::from_le_bytes(word);
        quotes ^= equal(word, b'"');
        // `[` and `{`, `\\` and `|`, `]` and `}` differ in one bit.
        let folded = word | repeated(0x20);
        others |= equal(folded, b'{') | equal(folded, b'|') | equal(folded, b'}');
    }
    quotes.count_ones() & 1 == 0 && others == 0
}

const fn repeated(byte: u8) -> u64 {
    u64::from_le_bytes([byte; 8])
}

/// The highest bit of each byte that is that one.
#[inline]
fn equal(word: u64, byte: u8) -> u64 {
    let different = word ^ repeated(byte);
    let low = repeated(0x7f);
    // No byte's sum carries into the next: nothing wraps, and no check stands in the way of vectors.
    !((different & low).wrapping_add(low) | different | low)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(path: &str, record: &str) -> Option<String> {
        let value = Path::parse(path).unwrap().find(record.as_bytes())?;
        Some(String::from_utf8(value.to_vec()).unwrap())
    }

    #[test]
    fn finds_fields_at_their_own_depth_only() {
        let record = r#"{"a":{"id":1,"s":"}\"{"},"b":[{"id":2}],"t":"\"id\":3", "id" : "four" ,"z":{"y":{"x":-1.5e3}}}"#;
        assert_eq!(find("id", record).as_deref(), Some("\"four\""));
        assert_eq!(find("a.id", record).as_deref(), Some("1"));
        assert_eq!(find("a.s", record).as_deref(), Some(r#""}\"{""#));
        assert_eq!(find("z.y.x", record).as_deref(), Some("-1.5e3"));
        assert_eq!(find("z.y", record).as_deref(), Some(r#"{"x":-1.5e3}"#));
        assert_eq!(find("x", record), None);
        assert_eq!(find("b.id", record), None);
        assert_eq!(find("id.id", record), None);
    }

    /// Every text that looks like the field and isn't: the quick way must not be taken in.
    #[test]
    fn finds_what_a_parser_finds() {
        for record in [
            r#"{"id":1}"#,
            r#"{"a":"x","id":"1","id":2}"#,
            r#"{"a":{"id":1},"id":2}"#,
            r#"{"a":"}","b":{"id":1},"id":2}"#,
            r#"{"a":["id",{"id":1}],"id":2}"#,
            r#"{"a":"\",\"id\":1","id":2}"#,
            r#"{"a":"\\","id":2}"#,
            r#"{"a":"id","id":2}"#,
            r#"{"a":",","b":"\"id\":7"}"#,
            r#"{"a":{"id":1}}"#,
            r#" {"id":3}"#,
            r#"[{"id":3}]"#,
            r#"{"id" :3}"#,
            r#"{"a|b":1,"id":3}"#,
            r#"{"id":{"id":4}}"#,
            r#""{\"id\":1}""#,
        ] {
            let parsed: serde_json::Value = serde_json::from_str(record).unwrap();
            // Of a name that is there twice the parser keeps the last, and this the first.
            let expected = match record.contains(r#""1","id":2"#) {
                true => Some(serde_json::json!("1")),
                false => parsed.get("id").cloned(),
            };
            let found = find("id", record).map(|value| serde_json::from_str(&value).unwrap());
            assert_eq!(found, expected, "{record}");
        }
    }

    #[test]
    fn escaped_names_are_the_same_names() {
        let record = r#"{"sch\u00f6n":1,"a\"b":2}"#;
        assert_eq!(find("schön", record).as_deref(), Some("1"));
        assert_eq!(find("a\"b", record).as_deref(), Some("2"));
    }
}
