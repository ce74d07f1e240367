//! Reading a pattern.

use super::made::{Made, longest, render};
use super::{LONGEST, Pattern};

/// Groups within groups.
const DEEPEST: usize = 8;
/// Repetitions of one character or group.
const MOST: u32 = 64;

/// A pattern, as a regular expression for a schema, and its longest text in bytes.
#[derive(Debug)]
pub(crate) struct Parsed {
    pub pattern: Pattern,
    pub expression: String,
    pub longest: u64,
}

/// Something that is repeated.
pub(super) struct Item {
    pub what: Part,
    pub min: u32,
    pub max: u32,
}

pub(super) enum Part {
    Set(Vec<char>),
    Group(Vec<Vec<Item>>),
}

/// Reads a pattern. The error says what is wrong and what to write.
pub(crate) fn parse(text: &str) -> Result<Parsed, String> {
    let chars: Vec<char> = text.chars().collect();
    if chars.len() > 1024 {
        return Err("the pattern has more than 1024 characters; write a shorter one".to_owned());
    }
    let mut reader = Reader { chars, at: 0 };
    let all = reader.alternatives(0)?;
    if reader.at < reader.chars.len() {
        return Err("a `)` has no `(`; write `\\)` for the character".to_owned());
    }
    let mut made = Made::default();
    made.alternatives(&all)?;
    let mut expression = String::from("^(?:");
    render(&all, &mut expression);
    expression.push_str(")$");
    made.pattern.longest = longest(&all);
    Ok(Parsed {
        longest: made.pattern.longest + 2,
        pattern: made.pattern,
        expression,
    })
}

struct Reader {
    chars: Vec<char>,
    at: usize,
}

impl Reader {
    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn next(&mut self) -> Option<char> {
        let next = self.peek();
        self.at += usize::from(next.is_some());
        next
    }

    fn takes(&mut self, wanted: char) -> bool {
        let there = self.peek() == Some(wanted);
        self.at += usize::from(there);
        there
    }

    fn alternatives(&mut self, depth: usize) -> Result<Vec<Vec<Item>>, String> {
        if depth > DEEPEST {
            return Err(format!("groups are more than {DEEPEST} deep; write fewer"));
        }
        let mut all = vec![Vec::new()];
        while let Some(next) = self.peek() {
            match next {
                ')' => break,
                '|' => {
                    self.at += 1;
                    all.push(Vec::new());
                }
                _ => {
                    let item = self.item(depth)?;
                    if let Some(last) = all.last_mut() {
                        last.push(item);
                    }
                }
            }
        }
        Ok(all)
    }

    fn item(&mut self, depth: usize) -> Result<Item, String> {
        let what = match self.next() {
            Some('(') => {
                if self.takes('?') && !self.takes(':') {
                    return Err("of what begins with `(?` only `(?:…)` is known".to_owned());
                }
                let inner = self.alternatives(depth + 1)?;
                if !self.takes(')') {
                    return Err("a `(` is never closed; write a `)`, or `\\(`".to_owned());
                }
                Part::Group(inner)
            }
            Some('[') => Part::Set(self.set()?),
            Some('\\') => Part::Set(self.escaped()?),
            Some('.') => {
                return Err(
                    "`.` could be anything; write `\\.` for a full stop, or a class such \
                            as [a-z]"
                        .to_owned(),
                );
            }
            Some(c @ ('^' | '$')) => {
                return Err(format!(
                    "`{c}` isn't needed, since the pattern is the whole text; leave it out, or \
                     write `\\{c}` for the character"
                ));
            }
            Some(c @ ('*' | '+' | '?' | '{' | '}' | ']')) => {
                return Err(format!(
                    "`{c}` follows nothing; write `\\{c}` for the character"
                ));
            }
            Some(c) => Part::Set(vec![plain(c)?]),
            None => Part::Set(Vec::new()),
        };
        let (min, max) = self.bounds()?;
        Ok(Item { what, min, max })
    }

    fn bounds(&mut self) -> Result<(u32, u32), String> {
        let bounds = match self.peek() {
            Some('?') => {
                self.at += 1;
                (0, 1)
            }
            Some(c @ ('*' | '+')) => {
                let least = u8::from(c == '+');
                return Err(format!(
                    "`{c}` has no end; write a bound such as {{{least},10}}"
                ));
            }
            Some('{') => {
                self.at += 1;
                self.braces()?
            }
            _ => return Ok((1, 1)),
        };
        match self.peek() {
            Some(c @ ('?' | '*' | '+' | '{')) => Err(format!(
                "`{c}` follows another repetition; put what is repeated into a group, (…)"
            )),
            _ => Ok(bounds),
        }
    }

    fn braces(&mut self) -> Result<(u32, u32), String> {
        let from = self.at;
        while self
            .next()
            .ok_or("a `{` is never closed; write {3} or {1,3}")?
            != '}'
        {}
        let inside: String = self.chars[from..self.at - 1].iter().collect();
        let number = |text: &str| {
            let number = text.parse::<u32>().ok().filter(|n| *n <= MOST);
            number.ok_or_else(|| {
                format!("`{{{inside}}}` isn't a bound; write {{3}} or {{1,3}}, up to {MOST}")
            })
        };
        match inside.split_once(',') {
            None => number(&inside).map(|n| (n, n)),
            Some((_, "")) => Err(format!(
                "`{{{inside}}}` has no end; write a bound such as {{{inside}10}}"
            )),
            Some((min, max)) => match (number(min)?, number(max)?) {
                (min, max) if min > max => Err(format!(
                    "`{{{inside}}}` is upside down; write {{{max},{min}}}"
                )),
                bounds => Ok(bounds),
            },
        }
    }

    /// What stands in brackets, the first of which has been read.
    fn set(&mut self) -> Result<Vec<char>, String> {
        if self.peek() == Some('^') {
            return Err("`[^…]` leaves too much; write what may stand there".to_owned());
        }
        let mut set = Vec::new();
        loop {
            let first = match self.next() {
                None => return Err("a `[` is never closed; write a `]`, or `\\[`".to_owned()),
                Some(']') => break,
                Some('\\') => self.escaped()?,
                Some(c) => vec![plain(c)?],
            };
            let ends = self.chars.get(self.at + 1).copied();
            let range = self.peek() == Some('-') && !matches!(ends, None | Some(']'));
            match (range, first.as_slice()) {
                (true, &[from]) => {
                    self.at += 1;
                    let to = match self.next() {
                        Some('\\') => self.escaped()?.first().copied().unwrap_or(from),
                        Some(c) => plain(c)?,
                        None => from,
                    };
                    if to < from {
                        return Err(format!("`{from}-{to}` is upside down; write {to}-{from}"));
                    }
                    set.extend((from..=to).take(LONGEST));
                }
                _ => set.extend(first),
            }
        }
        set.sort_unstable();
        set.dedup();
        match set.len() {
            0 => Err("`[]` is empty; write what may stand there".to_owned()),
            n if n >= LONGEST => Err(format!("a class has more than {LONGEST} characters")),
            _ => Ok(set),
        }
    }

    /// What a backslash stands for, which has been read.
    fn escaped(&mut self) -> Result<Vec<char>, String> {
        match self.next() {
            None => Err("the pattern ends with a `\\`; write `\\\\` for the character".to_owned()),
            Some('d') => Ok(('0'..='9').collect()),
            Some('w') => Ok(('0'..='9')
                .chain('A'..='Z')
                .chain(['_'])
                .chain('a'..='z')
                .collect()),
            Some(c) if c.is_alphanumeric() => Err(format!(
                "`\\{c}` isn't known; there are `\\d` and `\\w`, and a backslash before a sign"
            )),
            Some(c) => Ok(vec![plain(c)?]),
        }
    }
}

fn plain(c: char) -> Result<char, String> {
    match c.is_control() {
        false => Ok(c),
        true => Err(format!(
            "it has the control character {}; leave it out",
            c.escape_default()
        )),
    }
}
