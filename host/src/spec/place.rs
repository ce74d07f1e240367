//! Where in a spec something stands, and what is wrong there.

use std::collections::HashMap;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use super::tree::{Data, Node};

/// A spec's text and where its values stand in it. The text is kept for showing only: what follows
/// a name that means a secret is blotted out of it before anything else happens.
pub struct Source {
    name: String,
    text: String,
    places: HashMap<String, (Range<usize>, Range<usize>)>,
}

/// Says where it is from; the text is long.
impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Source({})", self.name)
    }
}

impl Source {
    /// A text without known places yet. `name` is how messages call it: a path, or `<stdin>`.
    pub(super) fn new(name: &str, text: &str) -> Source {
        Source {
            name: name.to_owned(),
            text: super::secret::blot(text),
            places: HashMap::new(),
        }
    }

    /// The same text with the place of every value of the tree, and without its secrets.
    pub(super) fn with_places(mut self, root: &Node) -> Source {
        let mut pointer = String::new();
        let mut text = self.text.into_bytes();
        record_places(root, root.span.clone(), &mut pointer, &mut self.places);
        super::secret::blot_tree(root, &mut text);
        self.text = String::from_utf8_lossy(&text).into_owned();
        self
    }

    /// How messages call it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The text, as long as the original, with secrets blotted out.
    pub fn text(&self) -> &str {
        &self.text
    }
}

/// Appends one step to a JSON pointer (RFC 6901).
pub(super) fn push_step(pointer: &mut String, step: &str) {
    pointer.push('/');
    pointer.push_str(&step.replace('~', "~0").replace('/', "~1"));
}

fn record_places(
    node: &Node,
    key: Range<usize>,
    pointer: &mut String,
    places: &mut HashMap<String, (Range<usize>, Range<usize>)>,
) {
    let length = pointer.len();
    match &node.data {
        Data::List(items) => {
            for (i, item) in items.iter().enumerate() {
                push_step(pointer, &i.to_string());
                record_places(item, item.span.clone(), pointer, places);
                pointer.truncate(length);
            }
        }
        Data::Map(entries) => {
            for (name, value) in entries {
                push_step(pointer, &name.text);
                record_places(value, name.span.clone(), pointer, places);
                pointer.truncate(length);
            }
        }
        _ => {}
    }
    places.insert(pointer.clone(), (key, node.span.clone()));
}

/// A stretch of a source.
#[derive(Clone, Debug)]
pub struct Place {
    /// Which text.
    pub source: Arc<Source>,
    /// Which bytes of it.
    pub span: Range<usize>,
}

impl Place {
    /// Line and column, from 1, the column in characters.
    pub fn line_column(&self) -> (usize, usize) {
        let bytes = self.source.text.as_bytes();
        let before = &bytes[..self.span.start.min(bytes.len())];
        let line = before.iter().filter(|&&b| b == b'\n').count() + 1;
        let start = before
            .iter()
            .rposition(|&b| b == b'\n')
            .map_or(0, |p| p + 1);
        let column = String::from_utf8_lossy(&before[start..]).chars().count() + 1;
        (line, column)
    }
}

/// Where an emulation, or a part of it, stands: a source and a JSON pointer into it.
#[derive(Clone, Debug)]
pub struct Origin {
    source: Arc<Source>,
    pointer: String,
}

impl Origin {
    /// The root of a source.
    pub(super) fn root(source: Arc<Source>) -> Origin {
        let pointer = String::new();
        Origin { source, pointer }
    }

    /// The part at `pointer` (RFC 6901, from here).
    pub fn below(&self, pointer: &str) -> Origin {
        Origin {
            source: Arc::clone(&self.source),
            pointer: self.full(pointer),
        }
    }

    /// The pointer from the root. What an emulation of a scenario doesn't say itself is looked for
    /// where the scenario says it for all.
    fn full(&self, pointer: &str) -> String {
        let own = format!("{}{pointer}", self.pointer);
        let end = pointer.get(1..).and_then(|rest| rest.find('/'));
        let first = &pointer[..end.map_or(pointer.len(), |end| end + 1)];
        let places = &self.source.places;
        let shared = self.pointer.starts_with("/emulations/")
            && !places.contains_key(&format!("{}{first}", self.pointer))
            && places.contains_key(first);
        if shared { pointer.to_owned() } else { own }
    }

    /// Where the value at `pointer` (from here) stands; where it is not in the text (a default, or
    /// a flag's), the nearest thing around it that is.
    pub fn value(&self, pointer: &str) -> Option<Place> {
        self.find(pointer, |(_, value)| value)
    }

    /// Where the name of the value at `pointer` stands, likewise.
    pub fn key(&self, pointer: &str) -> Option<Place> {
        self.find(pointer, |(key, _)| key)
    }

    fn find(
        &self,
        pointer: &str,
        pick: impl Fn(&(Range<usize>, Range<usize>)) -> &Range<usize>,
    ) -> Option<Place> {
        let mut full = self.full(pointer);
        loop {
            if let Some(entry) = self.source.places.get(&full) {
                return Some(Place {
                    source: Arc::clone(&self.source),
                    span: pick(entry).clone(),
                });
            }
            full.truncate(full.rfind('/')?);
        }
    }
}

/// One thing that is wrong with a spec, its flags, or the settings.
#[derive(Clone, Debug)]
pub struct Problem {
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
    /// Where; none where it came from a flag.
    pub place: Option<Place>,
}

impl Problem {
    /// A problem without a place or advice yet.
    pub fn new(message: impl Into<String>) -> Problem {
        Problem {
            message: message.into(),
            help: None,
            place: None,
        }
    }

    /// From a message whose advice stands behind a line feed.
    pub(super) fn with_advice(text: &str) -> Problem {
        match text.split_once('\n') {
            Some((message, help)) => Problem::new(message).help(help),
            None => Problem::new(text),
        }
    }

    /// The same with advice.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Problem {
        self.help = Some(help.into());
        self
    }

    /// The same, at a place.
    #[must_use]
    pub fn at(mut self, place: Option<Place>) -> Problem {
        self.place = place;
        self
    }
}

/// `spec.yaml:3:5: what is wrong; what to do`.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = &self.place {
            let (line, column) = place.line_column();
            write!(f, "{}:{line}:{column}: ", place.source.name)?;
        }
        write!(f, "{}", self.message)?;
        match &self.help {
            Some(help) => write!(f, "; {help}"),
            None => Ok(()),
        }
    }
}

/// Why a spec can't be used: everything that was found wrong, never nothing.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{}", lines(problems))]
pub struct SpecError {
    /// What is wrong, in the order in which it was found.
    pub problems: Vec<Problem>,
}

fn lines(problems: &[Problem]) -> String {
    let lines: Vec<String> = problems.iter().map(Problem::to_string).collect();
    lines.join("\n")
}

impl From<Problem> for SpecError {
    fn from(problem: Problem) -> SpecError {
        SpecError {
            problems: vec![problem],
        }
    }
}

impl SpecError {
    /// `Ok` where there is no problem.
    pub(super) fn unless_empty(mut problems: Vec<Problem>) -> Result<(), SpecError> {
        // What the emulations of a scenario share is checked for each of them.
        let mut seen = std::collections::HashSet::new();
        problems.retain(|problem| seen.insert(problem.to_string()));
        if problems.is_empty() {
            Ok(())
        } else {
            Err(SpecError { problems })
        }
    }
}

/// The known name that is most likely meant by `name`, if one is near enough.
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = name.to_lowercase();
    known
        .into_iter()
        .map(|other| {
            (
                strsim::damerau_levenshtein(&lower, &other.to_lowercase()),
                other,
            )
        })
        .filter(|(distance, other)| *distance <= (name.len().max(other.len()) + 1) / 3)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, other)| other)
}

/// Advice for an unknown name: the nearest known one, else all there are.
pub fn suggest(name: &str, known: &[&str]) -> String {
    match nearest(name, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None if known.is_empty() => "there is nothing to set here".to_owned(),
        None => format!("known here: {}", known.join(", ")),
    }
}
