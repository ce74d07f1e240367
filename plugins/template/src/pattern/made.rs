//! Turning what was read of a pattern into steps, and back into a regular expression.

use super::parse::{Item, Part};
use super::{LONGEST, Op, Pattern};

/// Bytes of the longest text.
pub(super) fn longest(all: &[Vec<Item>]) -> u64 {
    let item = |item: &Item| {
        let once = match &item.what {
            Part::Set(set) => set
                .iter()
                .map(|c| c.len_utf8() as u64 + 1)
                .max()
                .unwrap_or(0),
            Part::Group(inner) => longest(inner),
        };
        once.saturating_mul(u64::from(item.max))
    };
    let sum = |items: &Vec<Item>| items.iter().map(item).fold(0, u64::saturating_add);
    all.iter().map(sum).max().unwrap_or(0)
}

/// The same pattern as every reader of regular expressions knows it.
pub(super) fn render(all: &[Vec<Item>], out: &mut String) {
    for (i, items) in all.iter().enumerate() {
        if i > 0 {
            out.push('|');
        }
        for item in items {
            match &item.what {
                Part::Group(inner) => {
                    out.push_str("(?:");
                    render(inner, out);
                    out.push(')');
                }
                Part::Set(set) if set.len() == 1 => set.iter().for_each(|c| sign(*c, out)),
                Part::Set(set) => render_set(set, out),
            }
            match (item.min, item.max) {
                (1, 1) => {}
                (min, max) if min == max => out.push_str(&format!("{{{min}}}")),
                (min, max) => out.push_str(&format!("{{{min},{max}}}")),
            }
        }
    }
}

/// Neighbours are written as a range.
fn render_set(set: &[char], out: &mut String) {
    out.push('[');
    for run in set.chunk_by(|a, b| *a as u32 + 1 == *b as u32) {
        match run {
            [first, _, .., last] => {
                sign(*first, out);
                out.push('-');
                sign(*last, out);
            }
            few => few.iter().for_each(|c| sign(*c, out)),
        }
    }
    out.push(']');
}

fn sign(c: char, out: &mut String) {
    if "\\^$.|?*+()[]{}-/".contains(c) {
        out.push('\\');
    }
    out.push(c);
}

/// The steps, as they are made.
#[derive(Default)]
pub(super) struct Made {
    pub pattern: Pattern,
}

impl Made {
    fn push(&mut self, op: Op) -> Result<usize, String> {
        if self.pattern.ops.len() >= LONGEST {
            return Err("groups are repeated too often; write smaller bounds".to_owned());
        }
        self.pattern.ops.push(op);
        Ok(self.pattern.ops.len() - 1)
    }

    fn here(&self) -> u32 {
        self.pattern.ops.len() as u32
    }

    /// Places for a fork to go on at, which are set once they are known.
    fn targets(&mut self, count: usize) -> usize {
        let from = self.pattern.targets.len();
        self.pattern.targets.resize(from + count, 0);
        from
    }

    /// One of the alternatives, each alike.
    pub fn alternatives(&mut self, all: &[Vec<Item>]) -> Result<(), String> {
        if let [only] = all {
            return only.iter().try_for_each(|item| self.item(item));
        }
        let from = self.targets(all.len());
        let (first, count) = (from as u32, all.len() as u32);
        self.push(Op::Fork { from: first, count })?;
        let mut ends = Vec::new();
        for (i, items) in all.iter().enumerate() {
            self.pattern.targets[from + i] = self.here();
            items.iter().try_for_each(|item| self.item(item))?;
            ends.push(self.push(Op::Jump(0))?);
        }
        let past = self.here();
        for end in ends {
            self.pattern.ops[end] = Op::Jump(past);
        }
        Ok(())
    }

    fn item(&mut self, item: &Item) -> Result<(), String> {
        let (min, max) = (item.min, item.max);
        match &item.what {
            Part::Group(inner) => self.group(inner, min, max),
            Part::Set(set) => match set.as_slice() {
                [] => Ok(()),
                [one] if min == max => self.text(&one.to_string().repeat(min as usize)),
                several => self.set(several, min as u16, (max - min + 1) as u16),
            },
        }
    }

    /// A group is written out as often as it may come; how often it does is where it is entered.
    fn group(&mut self, inner: &[Vec<Item>], min: u32, max: u32) -> Result<(), String> {
        let open = (max - min) as usize;
        let from = self.targets(open + 1);
        if open > 0 {
            let (from, count) = (from as u32, open as u32 + 1);
            self.push(Op::Fork { from, count })?;
        }
        for copy in 0..max as usize {
            if copy <= open {
                self.pattern.targets[from + copy] = self.here();
            }
            self.alternatives(inner)?;
        }
        self.pattern.targets[from + open] = match min {
            0 => self.here(),
            _ => self.pattern.targets[from + open],
        };
        Ok(())
    }

    /// Text goes on from the text before it, unless a fork goes on here.
    fn text(&mut self, text: &str) -> Result<(), String> {
        let from = self.pattern.bytes.len() as u32;
        text.chars().for_each(|c| self.char(c));
        let to = self.pattern.bytes.len() as u32;
        let here = self.here();
        let entered = self.pattern.targets.contains(&here);
        match self.pattern.ops.last_mut() {
            Some(Op::Text { to: end, .. }) if *end == from && !entered => *end = to,
            _ if from < to => drop(self.push(Op::Text { from, to })?),
            _ => {}
        }
        Ok(())
    }

    /// A character as JSON has it.
    fn char(&mut self, c: char) {
        if c == '"' || c == '\\' {
            self.pattern.bytes.push(b'\\');
        }
        let mut room = [0; 4];
        let utf8 = c.encode_utf8(&mut room);
        self.pattern.bytes.extend_from_slice(utf8.as_bytes());
    }

    fn set(&mut self, set: &[char], min: u16, span: u16) -> Result<(), String> {
        let count = set.len() as u32;
        let follow = |pair: &[char]| pair[0] as u32 + 1 == pair[1] as u32;
        let plain = |c: &char| c.is_ascii() && *c != '"' && *c != '\\';
        if let (Some(first), Ok(count)) = (set.first(), u8::try_from(set.len()))
            && set.iter().all(plain)
            && set.windows(2).all(follow)
        {
            let first = *first as u8;
            self.push(Op::Run {
                first,
                count,
                min,
                span,
            })?;
        } else if set.iter().all(plain) {
            let from = self.pattern.bytes.len() as u32;
            set.iter().for_each(|c| self.char(*c));
            self.push(Op::Bytes {
                from,
                count,
                min,
                span,
            })?;
        } else {
            let from = self.pattern.pieces.len() as u32;
            for c in set {
                let start = self.pattern.bytes.len() as u32;
                self.char(*c);
                let piece = (start, self.pattern.bytes.len() as u32);
                self.pattern.pieces.push(piece);
            }
            self.push(Op::Wide {
                from,
                count,
                min,
                span,
            })?;
        }
        Ok(())
    }
}
