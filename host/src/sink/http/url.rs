//! URLs with templates in them.

/// What stays as it is in the text of a URL that a person typed: what URLs allow, and braces.
fn plain(byte: u8, query: bool) -> bool {
    let allowed: &[u8] = if query {
        b"-._~!$'()*,;:@/?{}[]"
    } else {
        b"-._~!$&'()*+,;=:@/{}[]"
    };
    byte.is_ascii_alphanumeric() || allowed.contains(&byte)
}

fn encode(text: &str, query: bool, out: &mut String) {
    for &byte in text.as_bytes() {
        match plain(byte, query) {
            true => out.push(char::from(byte)),
            false => {
                out.push('%');
                out.push_str(&hex::encode_upper([byte]));
            }
        }
    }
}

/// Puts a URL together from what was taken apart and decoded.
pub(super) fn assemble<'a>(
    scheme: &str,
    hosts: &str,
    path: &str,
    query: impl Iterator<Item = &'a (String, String)>,
) -> String {
    let mut url = format!("{scheme}://{hosts}/");
    encode(path, false, &mut url);
    for (n, (name, value)) in query.enumerate() {
        url.push(if n == 0 { '?' } else { '&' });
        encode(name, true, &mut url);
        url.push('=');
        encode(value, true, &mut url);
    }
    url
}

/// Writes what takes the place of a name in a URL: one segment, one value, whatever is in it.
pub(super) fn put_value(value: &[u8], out: &mut Vec<u8>) {
    for &byte in value {
        if byte.is_ascii_alphanumeric()
            || b"-_~".contains(&byte)
            || (byte == b'.' && value != b"." && value != b"..")
        {
            out.push(byte);
        } else {
            out.push(b'%');
            out.extend_from_slice(hex::encode_upper([byte]).as_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_stays_in_its_place() {
        let mut out = Vec::new();
        put_value("a/b?c=é 1.5".as_bytes(), &mut out);
        assert_eq!(out, b"a%2Fb%3Fc%3D%C3%A9%201.5");
    }
}
