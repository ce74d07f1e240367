//! Texts of a sample, and what a field's name tells.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::node::Node;

/// Different texts that are counted.
const MOST: usize = 2_000;
/// So few different texts, and so often each on average: they are all there are.
const FEW: usize = 50;
const OFTEN: u64 = 5;
/// What a pattern has at most of one class.
const LONGEST: usize = 64;

/// What was seen.
#[derive(Default)]
pub(super) struct Strings {
    count: u64,
    different: BTreeMap<String, u64>,
    shortest: usize,
    longest: usize,
    looks: Option<Looks>,
    /// By place, what stood there, while all are of one length.
    places: Vec<Class>,
}

/// What all texts so far were.
#[derive(Clone, Copy)]
struct Looks {
    uuid: bool,
    time: bool,
    date: bool,
    email: bool,
    ipv4: bool,
}

/// What stood at one place of a text.
#[derive(Clone, Copy, Default)]
struct Class {
    lower: bool,
    upper: bool,
    digit: bool,
    /// Something that is none of these.
    other: bool,
    /// The first that stood there, and whether none else did.
    first: Option<char>,
    varied: bool,
}

impl Strings {
    pub fn count(&self) -> u64 {
        self.count
    }

    pub fn look(&mut self, text: &str) {
        let length = text.chars().count();
        if self.count == 0 {
            self.shortest = length;
            self.places = vec![Class::default(); length.min(LONGEST)];
        }
        self.count += 1;
        self.shortest = self.shortest.min(length);
        self.longest = self.longest.max(length);
        for (place, c) in self.places.iter_mut().zip(text.chars()) {
            place.look(c);
        }
        let now = Looks::of(text);
        self.looks = Some(self.looks.map_or(now, |known| known.and(now)));
        if self.different.len() < MOST || self.different.contains_key(text) {
            *self.different.entry(text.to_owned()).or_default() += 1;
        }
    }

    pub fn node(&self, name: &str) -> Node {
        if let (1, Some((text, &count))) = (self.different.len(), self.different.iter().next()) {
            let value = Node::fixed(&Value::from(text.as_str()));
            let known = self.looks.and_then(Looks::value);
            return match (count, known) {
                // One time is no time that is always the same.
                (_, Some(value)) => Node::guessed(value, "by how it looks"),
                (1, None) => Node::guessed(value, "there was one record"),
                _ => Node::known(value),
            };
        }
        if let Some((looks, value)) = self.looks.and_then(|looks| Some((looks, looks.value()?))) {
            return match looks.time || looks.date {
                true => Node::guessed(value, "that it is the event time"),
                false => Node::known(value),
            };
        }
        let different = self.different.len();
        if different <= FEW && self.count >= OFTEN * different as u64 {
            let texts: Vec<(Value, u64)> = self
                .different
                .iter()
                .map(|(text, count)| (Value::from(text.as_str()), *count))
                .collect();
            return Node::known(Node::choice(
                texts.iter().map(|(value, count)| (value, *count)),
            ));
        }
        if let Some(kind) = person(name) {
            return Node::guessed(json!({ "$fake": kind }), "by its name");
        }
        match self.pattern() {
            Some(pattern) => Node::guessed(json!({ "$pattern": pattern }), "by how it looks"),
            None => {
                let value = words(self.shortest, self.longest);
                Node::guessed(
                    value,
                    format!("text of {} to {} characters", self.shortest, self.longest),
                )
            }
        }
    }

    /// A pattern that all texts fit, where they are built alike.
    fn pattern(&self) -> Option<String> {
        if self.shortest != self.longest || self.longest > LONGEST || self.longest == 0 {
            return None;
        }
        let classes: Option<Vec<String>> = self.places.iter().map(Class::pattern).collect();
        let (mut pattern, mut classes) = (String::new(), classes?.into_iter().peekable());
        while let Some(class) = classes.next() {
            let mut times = 1;
            while classes.next_if_eq(&class).is_some() {
                times += 1;
            }
            match times {
                1 => pattern.push_str(&class),
                2 if !class.starts_with('[') => pattern.push_str(&class.repeat(2)),
                times => pattern.push_str(&format!("{class}{{{times}}}")),
            }
        }
        Some(pattern)
    }
}

impl Class {
    fn look(&mut self, c: char) {
        match c {
            'a'..='z' => self.lower = true,
            'A'..='Z' => self.upper = true,
            '0'..='9' => self.digit = true,
            _ => self.other = true,
        }
        self.varied |= self.first.is_some_and(|first| first != c);
        self.first.get_or_insert(c);
    }

    fn pattern(&self) -> Option<String> {
        if let (false, Some(only)) = (self.varied, self.first) {
            return Some(literal(only));
        }
        if self.other {
            return None;
        }
        let parts = [
            (self.upper, "A-Z"),
            (self.lower, "a-z"),
            (self.digit, "0-9"),
        ];
        let parts = parts
            .iter()
            .filter(|(there, _)| *there)
            .map(|(_, part)| *part);
        Some(format!("[{}]", parts.collect::<String>()))
    }
}

/// A character that stands for itself in a pattern.
fn literal(c: char) -> String {
    match c {
        c if c.is_ascii_punctuation() && !matches!(c, '-' | '_' | '/' | ':' | ',' | '@' | '#') => {
            format!("\\{c}")
        }
        c => c.to_string(),
    }
}

impl Looks {
    fn of(text: &str) -> Looks {
        let email = text.split_once('@').is_some_and(|(user, host)| {
            !user.is_empty()
                && host.contains('.')
                && !text.contains([' ', '/'])
                && !host.contains('@')
        });
        Looks {
            uuid: text.len() == 36
                && text.char_indices().all(|(at, c)| match at {
                    8 | 13 | 18 | 23 => c == '-',
                    _ => c.is_ascii_hexdigit(),
                }),
            time: text.len() > 10 && text.parse::<jiff::Timestamp>().is_ok(),
            date: text.len() == 10 && text.parse::<jiff::civil::Date>().is_ok(),
            email,
            ipv4: text.parse::<std::net::Ipv4Addr>().is_ok(),
        }
    }

    fn and(self, other: Looks) -> Looks {
        Looks {
            uuid: self.uuid && other.uuid,
            time: self.time && other.time,
            date: self.date && other.date,
            email: self.email && other.email,
            ipv4: self.ipv4 && other.ipv4,
        }
    }

    fn value(self) -> Option<Value> {
        match self {
            Looks { uuid: true, .. } => Some(json!("$uuid")),
            Looks { time: true, .. } => Some(json!("$time")),
            Looks { date: true, .. } => Some(json!({ "$time": { "format": "date" } })),
            Looks { email: true, .. } => Some(json!({ "$fake": "email" })),
            Looks { ipv4: true, .. } => Some(json!({ "$fake": "ipv4" })),
            _ => None,
        }
    }
}

/// Lower-case text of such a length.
pub(super) fn words(shortest: usize, longest: usize) -> Value {
    let longest = longest.clamp(1, LONGEST);
    let shortest = shortest.min(longest);
    let times = match shortest == longest {
        true => longest.to_string(),
        false => format!("{shortest},{longest}"),
    };
    json!({ "$pattern": format!("[a-z]{{{times}}}") })
}

/// What of a person a field of that name has.
pub(super) fn person(name: &str) -> Option<&'static str> {
    let name: String = name.chars().filter(char::is_ascii_alphabetic).collect();
    let name = name.to_ascii_lowercase();
    const NAMES: [(&str, &str); 25] = [
        ("email", "email"),
        ("mail", "email"),
        ("emailaddress", "email"),
        ("firstname", "first_name"),
        ("givenname", "first_name"),
        ("lastname", "last_name"),
        ("surname", "last_name"),
        ("familyname", "last_name"),
        ("name", "name"),
        ("fullname", "name"),
        ("customername", "name"),
        ("phone", "phone"),
        ("phonenumber", "phone"),
        ("mobile", "phone"),
        ("street", "street"),
        ("address", "street"),
        ("zip", "postal_code"),
        ("zipcode", "postal_code"),
        ("postalcode", "postal_code"),
        ("postcode", "postal_code"),
        ("city", "city"),
        ("country", "country"),
        ("region", "region"),
        ("company", "company"),
        ("currency", "currency"),
    ];
    NAMES
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, kind)| *kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node<'a>(name: &str, texts: impl IntoIterator<Item = &'a str>) -> Value {
        let mut strings = Strings::default();
        texts.into_iter().for_each(|text| strings.look(text));
        strings.node(name).value()
    }

    #[test]
    fn texts_are_what_they_look_like() {
        assert_eq!(
            node("x", ["2024-02-29T00:00:00Z", "2024-03-01T10:00:00.5+02:00"]),
            "$time"
        );
        assert_eq!(
            node("x", ["2024-02-29", "2023-01-01"]),
            json!({"$time": {"format": "date"}})
        );
        assert_eq!(
            node("x", ["10.0.0.1", "192.168.0.9"]),
            json!({"$fake": "ipv4"})
        );
        assert_eq!(
            node("x", ["a@b.org", "c.d@e.example"]),
            json!({"$fake": "email"})
        );
        assert_eq!(
            node(
                "x",
                [
                    "7cbabd91-32b9-4150-9936-59f600961847",
                    "2a6d4b7f-4f47-4b3d-89f5-3a462ada72d0"
                ]
            ),
            "$uuid"
        );
        assert_eq!(
            node("code", ["ORD.01-AX", "ORD.77-BY"]),
            json!({"$pattern": "ORD\\.[0-9]{2}-[A-Z]{2}"})
        );
        assert_eq!(
            node("Last Name", ["Li", "O'Neill"]),
            json!({"$fake": "last_name"})
        );
        assert_eq!(
            node("note", ["ab", "abcd e"]),
            json!({"$pattern": "[a-z]{2,6}"})
        );
        assert_eq!(node("price", ["$5", "$5"]), "$$5");
        let few: Vec<&str> = ["a", "b", "a"].into_iter().cycle().take(30).collect();
        assert_eq!(node("x", few), json!({"$choice": {"a": 20, "b": 10}}));
    }
}
