//! Reading single values out of JSON text without building a tree.
//!
//! Records are checked to be UTF-8, and their JSON by sample only: on text that isn't JSON the
//! functions here give nothing, or some piece of it, but never fail or loop.

use memchr::{memchr, memchr2};

/// Whether the text of a key, without its quotes, is that name.
#[inline]
pub fn same_name(key: &[u8], name: &[u8]) -> bool {
    if key == name {
        return true;
    }
    if key.len() <= name.len() || memchr(b'\\', key).is_none() {
        return false;
    }
    let mut plain = Vec::with_capacity(key.len());
    unescape(key, &mut plain);
    plain == name
}

/// The members of a JSON object, in order: each key without its quotes (escapes kept), and the
/// JSON text of its value. Ends early where the text isn't JSON.
#[derive(Clone, Debug)]
pub struct Members<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Members<'a> {
    /// Of an object's text; no member where it is something else.
    pub fn of(text: &'a [u8]) -> Members<'a> {
        let start = blank(text, 0);
        let at = match text.get(start) {
            Some(b'{') => start + 1,
            _ => text.len(),
        };
        Members { text, at }
    }
}

impl<'a> Iterator for Members<'a> {
    type Item = (&'a [u8], &'a [u8]);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let text = self.text;
        let mut at = blank(text, self.at);
        self.at = text.len();
        if *text.get(at)? == b',' {
            at = blank(text, at + 1);
        }
        if *text.get(at)? != b'"' {
            return None;
        }
        let key_end = string_end(text, at + 1)?;
        let colon = blank(text, key_end + 1);
        if *text.get(colon)? != b':' {
            return None;
        }
        let value = blank(text, colon + 1);
        let value_end = value_end(text, value)?;
        self.at = value_end;
        Some((&text[at + 1..key_end], &text[value..value_end]))
    }
}

/// The first place from `at` on that isn't white space.
#[inline]
pub(super) fn blank(text: &[u8], mut at: usize) -> usize {
    while matches!(text.get(at), Some(b' ' | b'\t' | b'\n' | b'\r')) {
        at += 1;
    }
    at
}

/// Where the closing quote is of a string whose first character is at `at`.
#[inline]
fn string_end(text: &[u8], mut at: usize) -> Option<usize> {
    // Names and most values are short: a look at the next few bytes is cheaper than a call.
    let near = text.len().min(at + 12);
    while at < near {
        match text[at] {
            b'"' => return Some(at),
            b'\\' => break,
            _ => at += 1,
        }
    }
    loop {
        let hit = at + memchr2(b'"', b'\\', text.get(at..)?)?;
        if text[hit] == b'"' {
            return Some(hit);
        }
        at = hit + 2;
    }
}

/// One past the last byte of the value that begins at `at`.
#[inline]
pub(super) fn value_end(text: &[u8], at: usize) -> Option<usize> {
    match *text.get(at)? {
        b'"' => Some(string_end(text, at + 1)? + 1),
        b'{' | b'[' => nested_end(text, at),
        _ => {
            let mut end = at;
            while !matches!(
                text.get(end),
                None | Some(b',' | b'}' | b']' | b':' | b' ' | b'\t' | b'\n' | b'\r')
            ) {
                end += 1;
            }
            (end > at).then_some(end)
        }
    }
}

fn nested_end(text: &[u8], mut at: usize) -> Option<usize> {
    let mut depth = 0usize;
    loop {
        match *text.get(at)? {
            b'{' | b'[' => depth += 1,
            b'}' | b']' => {
                depth -= 1;
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            b'"' => at = string_end(text, at + 1)?,
            _ => {}
        }
        at += 1;
    }
}

/// The characters of a JSON string, if the value's text is one and nothing in it is escaped.
#[inline]
pub fn plain_string(value: &[u8]) -> Option<&[u8]> {
    let inner = string_inner(value)?;
    memchr(b'\\', inner).is_none().then_some(inner)
}

/// What is between the quotes of a JSON string.
#[inline]
pub fn string_inner(value: &[u8]) -> Option<&[u8]> {
    match value {
        [b'"', inner @ .., b'"'] => Some(inner),
        _ => None,
    }
}

/// Appends a value as a person reads it: the characters of a string, the text of anything else.
pub fn put_text(value: &[u8], out: &mut Vec<u8>) {
    match string_inner(value) {
        Some(inner) => unescape(inner, out),
        None => out.extend_from_slice(value),
    }
}

/// Appends what is between the quotes of a JSON string, escapes resolved. An escape that JSON
/// doesn't have is kept as it is; half of a surrogate pair becomes U+FFFD.
pub fn unescape(inner: &[u8], out: &mut Vec<u8>) {
    let mut rest = inner;
    while let Some(hit) = memchr(b'\\', rest) {
        out.extend_from_slice(&rest[..hit]);
        let escape = &rest[hit..];
        let taken = match escape.get(1) {
            Some(b'u') => unescape_code(escape, out),
            Some(&letter) => {
                match letter {
                    b'b' => out.push(8),
                    b'f' => out.push(12),
                    b'n' => out.push(b'\n'),
                    b'r' => out.push(b'\r'),
                    b't' => out.push(b'\t'),
                    b'"' | b'\\' | b'/' => out.push(letter),
                    _ => out.extend_from_slice(&escape[..2]),
                }
                2
            }
            None => {
                out.push(b'\\');
                1
            }
        };
        rest = &escape[taken..];
    }
    out.extend_from_slice(rest);
}

/// Takes `\uXXXX`, or a pair of them, and says how many bytes that was.
fn unescape_code(escape: &[u8], out: &mut Vec<u8>) -> usize {
    let code = |at: usize| -> Option<u32> {
        let digits = escape.get(at..at + 6)?.strip_prefix(b"\\u")?;
        digits.iter().try_fold(0, |sum, &digit| {
            Some(sum * 16 + char::from(digit).to_digit(16)?)
        })
    };
    let Some(first) = code(0) else {
        out.push(b'\\');
        return 1;
    };
    let (character, taken) = match (first, code(6)) {
        (0xD800..=0xDBFF, Some(second @ 0xDC00..=0xDFFF)) => {
            (0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00), 12)
        }
        _ => (first, 6),
    };
    let character = char::from_u32(character).unwrap_or(char::REPLACEMENT_CHARACTER);
    out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
    taken
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_a_parser_on_every_member() {
        let record = r#" {"one": 1,"long name that is longer than the look-ahead": "a value \\ longer than it \" too", "n":null,"t":true,"e":{},"l":[[],{"q":"]"}], "u":"\ud83d\ude00x"} "#;
        let parsed: serde_json::Map<String, serde_json::Value> =
            serde_json::from_str(record).unwrap();
        let mut seen = 0;
        for (key, value) in Members::of(record.as_bytes()) {
            let key = std::str::from_utf8(key).unwrap();
            assert_eq!(
                parsed[key],
                serde_json::from_slice::<serde_json::Value>(value).unwrap()
            );
            if let Some(expected) = parsed[key].as_str() {
                let mut text = Vec::new();
                put_text(value, &mut text);
                assert_eq!(String::from_utf8(text).unwrap(), expected);
            }
            seen += 1;
        }
        assert_eq!(seen, parsed.len());
    }

    #[test]
    fn broken_text_ends_and_never_fails() {
        let whole = r#"{"a":{"b":["\u00e9\\",1]},"c":"d"}"#;
        for end in 0..whole.len() {
            for start in 0..=end {
                let text = &whole.as_bytes()[start..end];
                let mut out = Vec::new();
                for (key, value) in Members::of(text) {
                    unescape(key, &mut out);
                    put_text(value, &mut out);
                }
                unescape(text, &mut out);
            }
        }
        assert_eq!(Members::of(br#"{"a":]}"#).count(), 0);
        assert_eq!(Members::of(br#"{"a" 1}"#).count(), 0);
    }

    #[test]
    fn surrogates_and_foreign_escapes() {
        let mut out = Vec::new();
        unescape(br"\ud83d\ude00\ud83d!\q\u12", &mut out);
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "\u{1F600}\u{FFFD}!\\q\\u12"
        );
    }
}
