//! Names made for each record: `out/{channel}-{stream}.ndjson`, `orders.{address.country}`.

use super::path::Path;
use super::scan::put_text;
use super::schema::Schema;
use super::time::Unit;
use crate::record::{Channel, Nanos};

/// Why a template can't be used.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    /// A brace without its partner, or nothing between two.
    #[error(
        "`{text}`: {what} at character {place}; write {{{{ and }}}} for braces that are meant as such"
    )]
    Syntax {
        /// The template.
        text: String,
        /// What is wrong with it.
        what: &'static str,
        /// Which character of it, from 1.
        place: usize,
    },
    /// No record of that channel has the field.
    #[error("`{{{field}}}` isn't a field of channel `{channel}`; {known}")]
    Field {
        /// As written.
        field: String,
        /// Whose schema hasn't got it.
        channel: String,
        /// The nearest name, or all there are.
        known: String,
    },
    /// Fields are wanted from records that aren't JSON.
    #[error(
        "`{{{0}}}` takes a field from each record, but the generator's records aren't JSON; only {{channel}}, {{stream}} and {{run}} can be used"
    )]
    NotJson(String),
}

/// What a template is filled in with.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// Identity of the run.
    pub run: &'a str,
    /// The record's channel.
    pub channel: &'a str,
    /// The record's stream.
    pub stream: u32,
    /// The record.
    pub record: &'a [u8],
}

/// A parsed template.
#[derive(Clone, Debug)]
pub struct Template {
    text: String,
    pieces: Vec<Piece>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Run,
    Channel,
    Stream,
    Time(Unit),
    Field(String, Path),
}

impl Template {
    /// Takes `{channel}`, `{stream}` and `{run}` for what they say and any other name as a field
    /// of the record, nested by dots; a dot in front (`{.channel}`) always means a field.
    ///
    /// # Errors
    /// Where braces don't pair up.
    pub fn parse(text: &str) -> Result<Template, TemplateError> {
        Template::read(text, Piece::parse)
    }

    /// Besides, takes `{date}`, `{year}`, `{month}`, `{day}`, `{hour}` and `{minute}` for the
    /// record's event time (UTC). Render it with [`Template::render_at`].
    ///
    /// # Errors
    /// Where braces don't pair up.
    pub fn parse_timed(text: &str) -> Result<Template, TemplateError> {
        Template::read(text, |name| match Unit::parse(name) {
            Some(unit) => Some(Piece::Time(unit)),
            None => Piece::parse(name),
        })
    }

    fn read(text: &str, piece: impl Fn(&str) -> Option<Piece>) -> Result<Template, TemplateError> {
        let wrong = |what, at: usize| TemplateError::Syntax {
            text: text.to_owned(),
            what,
            place: text[..at].chars().count() + 1,
        };
        let mut pieces = Vec::new();
        let mut literal = String::new();
        let mut at = 0;
        while let Some(offset) = text[at..].find(['{', '}']) {
            let brace = at + offset;
            literal.push_str(&text[at..brace]);
            let rest = &text[brace..];
            if rest.starts_with("{{") || rest.starts_with("}}") {
                literal.push_str(&rest[..1]);
                at = brace + 2;
                continue;
            }
            if rest.starts_with('}') {
                return Err(wrong("a } without its {", brace));
            }
            let end = rest
                .find('}')
                .ok_or_else(|| wrong("a { without its }", brace))?;
            if !literal.is_empty() {
                pieces.push(Piece::Text(std::mem::take(&mut literal)));
            }
            pieces.push(
                piece(&rest[1..end]).ok_or_else(|| wrong("no name between the braces", brace))?,
            );
            at = brace + end + 1;
        }
        literal.push_str(&text[at..]);
        if !literal.is_empty() {
            pieces.push(Piece::Text(literal));
        }
        Ok(Template {
            text: text.to_owned(),
            pieces,
        })
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What it gives for every record, if that is always the same.
    pub fn constant(&self) -> Option<&str> {
        match self.pieces.as_slice() {
            [] => Some(""),
            [Piece::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// The field, where the template is that and nothing else.
    pub fn only_field(&self) -> Option<&Path> {
        match self.pieces.as_slice() {
            [Piece::Field(_, path)] => Some(path),
            _ => None,
        }
    }

    /// Whether it takes anything from the record itself.
    pub fn has_fields(&self) -> bool {
        self.pieces
            .iter()
            .any(|piece| matches!(piece, Piece::Field(..)))
    }

    /// Whether it depends on the channel.
    pub fn has_channel(&self) -> bool {
        self.pieces.contains(&Piece::Channel)
    }

    /// Whether it depends on the stream.
    pub fn has_stream(&self) -> bool {
        self.pieces.contains(&Piece::Stream)
    }

    /// The finest unit of event time that it depends on.
    pub fn finest_unit(&self) -> Option<Unit> {
        let units = self.pieces.iter().filter_map(|piece| match piece {
            Piece::Time(unit) => Some(*unit),
            _ => None,
        });
        units.min_by_key(|unit| unit.nanos())
    }

    /// Whether every field that it names is one of every channel's.
    ///
    /// # Errors
    /// For the first that isn't.
    pub fn check(&self, channels: &[Channel], json: bool) -> Result<(), TemplateError> {
        for piece in &self.pieces {
            let Piece::Field(name, path) = piece else {
                continue;
            };
            if !json {
                return Err(TemplateError::NotJson(name.clone()));
            }
            for channel in channels {
                if let Err(known) = Schema::new(&channel.schema).admits(path) {
                    let last = path.names().last().unwrap_or_default();
                    return Err(TemplateError::Field {
                        field: name.clone(),
                        channel: channel.name.clone(),
                        known: suggestion(last, &known),
                    });
                }
            }
        }
        Ok(())
    }

    /// Appends what it gives for a record; `put` writes what takes the place of a name. False
    /// where the record hasn't got a field, or it is null: then what was appended means nothing.
    pub fn render(
        &self,
        place: Place<'_>,
        out: &mut Vec<u8>,
        put: impl Fn(&[u8], &mut Vec<u8>),
    ) -> bool {
        self.render_at(place, 0, out, put)
    }

    /// The same of a template with event times, for a record of that one.
    pub fn render_at(
        &self,
        place: Place<'_>,
        time: Nanos,
        out: &mut Vec<u8>,
        put: impl Fn(&[u8], &mut Vec<u8>),
    ) -> bool {
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => out.extend_from_slice(text.as_bytes()),
                Piece::Run => put(place.run.as_bytes(), out),
                Piece::Channel => put(place.channel.as_bytes(), out),
                Piece::Stream => put(place.stream.to_string().as_bytes(), out),
                Piece::Time(unit) => unit.put(time, out),
                Piece::Field(_, path) => match path.find(place.record) {
                    None | Some(b"null") => return false,
                    Some(value) => {
                        if let Some(plain) = super::scan::plain_string(value) {
                            put(plain, out);
                        } else {
                            let mut text = Vec::new();
                            put_text(value, &mut text);
                            put(&text, out);
                        }
                    }
                },
            }
        }
        true
    }
}

impl Piece {
    fn parse(name: &str) -> Option<Piece> {
        Some(match name {
            "run" => Piece::Run,
            "channel" => Piece::Channel,
            "stream" => Piece::Stream,
            field => {
                let path = Path::parse(field.strip_prefix('.').unwrap_or(field))?;
                Piece::Field(field.to_owned(), path)
            }
        })
    }
}

/// The known name that is meant, probably; else all of them.
pub fn suggestion(given: &str, known: &[&str]) -> String {
    let nearest = known
        .iter()
        .map(|name| (strsim::damerau_levenshtein(given, name), name))
        .filter(|(distance, name)| *distance <= 1 + name.chars().count() / 4)
        .min();
    match nearest {
        Some((_, name)) => format!("did you mean `{name}`?"),
        None if known.is_empty() => "there is none".to_owned(),
        None => format!("there are: {}", known.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn render(template: &str, record: &str) -> Option<String> {
        let place = Place {
            run: "r1",
            channel: "power",
            stream: 3,
            record: record.as_bytes(),
        };
        let mut out = Vec::new();
        let plain = |value: &[u8], out: &mut Vec<u8>| out.extend_from_slice(value);
        let whole = Template::parse(template)
            .unwrap()
            .render(place, &mut out, plain);
        whole.then(|| String::from_utf8(out).unwrap())
    }

    #[test]
    fn names_stand_for_values() {
        let record = r#"{"a":{"b":"x\ty"},"n":7,"channel":"mine","z":null,"o":{"p":1}}"#;
        assert_eq!(
            render("{run}/{channel}-{stream}.x", record).as_deref(),
            Some("r1/power-3.x")
        );
        assert_eq!(
            render("{a.b}|{n}|{.channel}|{o}", record).as_deref(),
            Some("x\ty|7|mine|{\"p\":1}")
        );
        assert_eq!(render("{{{n}}}", record).as_deref(), Some("{7}"));
        assert_eq!(render("plain", record).as_deref(), Some("plain"));
        assert_eq!(render("{z}", record), None);
        assert_eq!(render("x{missing}", record), None);
    }

    #[test]
    fn braces_have_to_pair_up() {
        for (text, place) in [("a{b", 2), ("é}b", 2), ("{}", 1), ("{a..b}", 1)] {
            match Template::parse(text) {
                Err(TemplateError::Syntax { place: found, .. }) => {
                    assert_eq!(found, place, "{text}")
                }
                other => panic!("{text}: {other:?}"),
            }
        }
    }

    #[test]
    fn unknown_fields_are_named_with_the_nearest() {
        let channels = [Channel {
            name: "transaction".to_owned(),
            schema: json!({"properties": {"customer_id": {}, "amount": {}}}),
        }];
        let wrong = Template::parse("{custmer_id}").unwrap();
        let message = wrong.check(&channels, true).unwrap_err().to_string();
        assert!(
            message.contains("transaction") && message.contains("`customer_id`"),
            "{message}"
        );
        assert!(
            wrong
                .check(&channels, false)
                .unwrap_err()
                .to_string()
                .contains("aren't JSON")
        );
        assert!(
            Template::parse("{customer_id}{channel}")
                .unwrap()
                .check(&channels, true)
                .is_ok()
        );
    }

    #[test]
    fn event_time_has_names_only_where_it_is_asked_for() {
        let place = Place {
            run: "r",
            channel: "c",
            stream: 0,
            record: br#"{"date":"mine"}"#,
        };
        let render = |template: Template| {
            let mut out = Vec::new();
            let put = |value: &[u8], out: &mut Vec<u8>| out.extend_from_slice(value);
            assert!(template.render_at(place, 1_704_085_200_000_000_000, &mut out, put));
            String::from_utf8(out).unwrap()
        };
        let text = "dt={date}/hour={hour}/{.date}";
        assert_eq!(
            render(Template::parse_timed(text).unwrap()),
            "dt=2024-01-01/hour=05/mine"
        );
        assert_eq!(render(Template::parse("{date}").unwrap()), "mine");
        let finest = |text| Template::parse_timed(text).unwrap().finest_unit();
        assert_eq!(finest(text), Some(Unit::Hour));
        assert_eq!(finest("{year}"), Some(Unit::Year));
        assert_eq!(finest("{.hour}"), None);
    }

    #[test]
    fn what_a_template_depends_on() {
        let template = |text| Template::parse(text).unwrap();
        assert_eq!(template("a{{b").constant(), Some("a{b"));
        assert_eq!(template("{run}").constant(), None);
        assert!(template("{a.b}").only_field().is_some());
        assert!(template("{a}{b}").only_field().is_none());
        assert!(template("x{stream}").has_stream() && !template("x{stream}").has_channel());
    }
}
