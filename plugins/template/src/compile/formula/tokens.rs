//! The words of an expression.

/// A word, and where it begins and ends.
#[derive(Clone, Debug)]
pub(crate) struct Token {
    pub what: Word,
    pub from: usize,
    pub to: usize,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Word {
    /// A number and how many decimals it is written with.
    Number(f64, u8),
    Text(String),
    Bool(bool),
    Null,
    /// A field, as a path with dots.
    Name(String),
    /// What is followed by a parenthesis.
    Function(String),
    Sign(&'static str),
    End,
}

/// Signs, longer ones first.
const SIGNS: [&str; 21] = [
    "??", "==", "!=", "<=", ">=", "&&", "||", "<", ">", "+", "-", "*", "/", "%", "!", "(", ")",
    ",", "?", ":", "=",
];

/// Reads all words; the error says what is wrong, and where.
pub(crate) fn tokens(text: &str) -> Result<Vec<Token>, (String, usize)> {
    let (mut all, mut at) = (Vec::new(), 0);
    loop {
        at += text[at..].len() - text[at..].trim_start().len();
        let rest = &text[at..];
        let Some(first) = rest.chars().next() else {
            all.push(Token {
                what: Word::End,
                from: at,
                to: at,
            });
            return Ok(all);
        };
        let (what, length) = match first {
            '0'..='9' | '.' => number(rest).map_err(|why| (why, at))?,
            '\'' | '"' => quoted(rest, first).map_err(|why| (why, at))?,
            '`' => name(rest).map_err(|why| (why, at))?,
            c if c.is_alphabetic() || c == '_' => name(rest).map_err(|why| (why, at))?,
            _ => sign(rest).ok_or_else(|| {
                (
                    format!("`{first}` means nothing; text stands in quotes, 'like this'"),
                    at,
                )
            })?,
        };
        all.push(Token {
            what,
            from: at,
            to: at + length,
        });
        at += length;
    }
}

fn sign(rest: &str) -> Option<(Word, usize)> {
    let sign = SIGNS.iter().find(|sign| rest.starts_with(**sign))?;
    // One equals sign is what many write for two.
    let what = if *sign == "=" { "==" } else { sign };
    Some((Word::Sign(what), sign.len()))
}

fn number(rest: &str) -> Result<(Word, usize), String> {
    let end = rest
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(rest.len());
    let text = &rest[..end];
    let decimals = text.split_once('.').map_or(0, |(_, after)| after.len());
    match text.parse::<f64>() {
        Ok(number) if decimals <= 7 && number <= crate::options::EXACT as f64 => {
            Ok((Word::Number(number, decimals as u8), end))
        }
        _ => Err(format!(
            "`{text}` isn't a number of at most 7 decimals, up to 2^53"
        )),
    }
}

/// Text in quotes of either kind, in which a backslash stands before a quote or a backslash.
fn quoted(rest: &str, quote: char) -> Result<(Word, usize), String> {
    let mut text = String::new();
    let mut chars = rest.char_indices().skip(1);
    while let Some((at, c)) = chars.next() {
        match c {
            c if c == quote => return Ok((Word::Text(text), at + 1)),
            '\\' => text.extend(chars.next().map(|(_, c)| c)),
            c => text.push(c),
        }
    }
    Err(format!(
        "a {quote} is never closed; write another at its end"
    ))
}

/// A path with dots and places of lists, `a.b[0]`; what is no plain name stands between backticks.
fn name(rest: &str) -> Result<(Word, usize), String> {
    let plain = |c: char| c.is_alphanumeric() || c == '_';
    let (mut path, mut at, mut quoted) = (String::new(), 0, false);
    loop {
        let here = &rest[at..];
        if let Some(inner) = here.strip_prefix('`') {
            let end = inner
                .find('`')
                .ok_or("a ` is never closed; write another after the field's name")?;
            path.push_str(&inner[..end]);
            (at, quoted) = (at + end + 2, true);
        } else {
            let end = here.find(|c| !plain(c)).unwrap_or(here.len());
            if end == 0 {
                return Err(format!("`{path}` ends with a dot; write a field's name"));
            }
            path.push_str(&here[..end]);
            at += end;
        }
        while let Some(inner) = rest[at..].strip_prefix('[') {
            let end = inner
                .find(']')
                .filter(|end| *end > 0 && inner[..*end].bytes().all(|b| b.is_ascii_digit()));
            let end = end.ok_or("a `[` is followed by a place and `]`, such as [0]")?;
            path.push_str(&rest[at..at + end + 2]);
            at += end + 2;
        }
        if !rest[at..].starts_with('.') {
            break;
        }
        path.push('.');
        at += 1;
    }
    let called = rest[at..].trim_start().starts_with('(');
    let what = match path.as_str() {
        _ if quoted => Word::Name(path),
        "and" => Word::Sign("&&"),
        "or" => Word::Sign("||"),
        "not" => Word::Sign("!"),
        "true" => Word::Bool(true),
        "false" => Word::Bool(false),
        "null" => Word::Null,
        _ if called => Word::Function(path),
        _ => Word::Name(path),
    };
    Ok((what, at))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<Word> {
        tokens(text).unwrap().into_iter().map(|t| t.what).collect()
    }

    #[test]
    fn words_are_told_apart() {
        let name = |name: &str| Word::Name(name.to_owned());
        assert_eq!(
            words("round (a.b[0]*1.50)>='it\\'s' and `x-y`.z != null"),
            [
                Word::Function("round".to_owned()),
                Word::Sign("("),
                name("a.b[0]"),
                Word::Sign("*"),
                Word::Number(1.5, 2),
                Word::Sign(")"),
                Word::Sign(">="),
                Word::Text("it's".to_owned()),
                Word::Sign("&&"),
                name("x-y.z"),
                Word::Sign("!="),
                Word::Null,
                Word::End,
            ]
        );
    }

    #[test]
    fn what_is_no_word_has_its_place() {
        for (text, at) in [
            ("a ~ b", 2),
            ("'x", 0),
            ("1.2.3", 0),
            ("a + b.", 4),
            ("a[x]", 0),
        ] {
            assert_eq!(tokens(text).unwrap_err().1, at, "{text}");
        }
    }
}
