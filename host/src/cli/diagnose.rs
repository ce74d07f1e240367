//! Errors with the part of the text that they are about.

use std::fmt;

use miette::{
    Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, SourceCode,
};

use crate::spec::{Problem, SpecError};

/// All problems of a spec, each with the lines around its place; with colours where `colour` says so.
pub fn render(error: &SpecError, colour: bool) -> String {
    let theme = if colour {
        GraphicalTheme::unicode()
    } else {
        GraphicalTheme::unicode_nocolor()
    };
    let handler = GraphicalReportHandler::new_themed(theme).with_links(false);
    let mut out = String::new();
    for problem in &error.problems {
        let report = Report::new(problem);
        if handler.render_report(&mut out, &report).is_err() {
            // Better plain than not at all.
            out = format!("{error}\n");
            break;
        }
    }
    out
}

/// One problem as miette wants it.
struct Report<'a> {
    problem: &'a Problem,
    source: Option<NamedSource<String>>,
}

impl<'a> Report<'a> {
    fn new(problem: &'a Problem) -> Report<'a> {
        let source = problem
            .place
            .as_ref()
            .map(|place| NamedSource::new(place.source.name(), place.source.text().to_owned()));
        Report { problem, source }
    }
}

impl fmt::Debug for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.problem.message)
    }
}

impl std::error::Error for Report<'_> {}

impl Diagnostic for Report<'_> {
    fn help<'b>(&'b self) -> Option<Box<dyn fmt::Display + 'b>> {
        let help = self.problem.help.as_ref()?;
        Some(Box::new(help))
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        let source = self.source.as_ref()?;
        Some(source)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let place = self.problem.place.as_ref()?;
        let text = place.source.text();
        // A map's span may reach to its end: its first line says where it is.
        let start = place.span.start.min(text.len());
        let rest = text
            .get(start..place.span.end.min(text.len()))
            .unwrap_or_default();
        let length = rest.find('\n').unwrap_or(rest.len());
        let span = (start, length);
        Some(Box::new(std::iter::once(LabeledSpan::new_with_span(
            Some("here".to_owned()),
            span,
        ))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::{Format, parse};

    #[test]
    fn shows_the_line_and_the_nearest_name() {
        let text = "generator: transaction\nuntil:\n  recrods: 5\n";
        let error = parse(text, Format::Yaml, "spec.yaml").unwrap_err();
        let shown = render(&error, false);
        for part in [
            "unknown field `recrods`",
            "spec.yaml:3:3",
            "recrods: 5",
            "did you mean `records`?",
        ] {
            assert!(shown.contains(part), "{part} isn't in:\n{shown}");
        }
        assert!(
            !shown.contains('\u{1b}'),
            "colours where none were asked for"
        );
    }

    #[test]
    fn every_problem_is_shown() {
        let text = "generator: t\nstreams: 0\nuntil: {records: 0}\n";
        let error = parse(text, Format::Yaml, "spec.yaml").unwrap_err();
        let shown = render(&error, false);
        assert!(
            shown.contains("spec.yaml:2:10") && shown.contains("spec.yaml:3:18"),
            "{shown}"
        );
    }

    #[test]
    fn a_place_at_the_end_of_the_text_is_shown() {
        for text in [
            "generator: [",
            "",
            "generator: t\nload:",
            "generator: t\nload: \"ü",
        ] {
            if let Err(error) = parse(text, Format::Yaml, "spec.yaml") {
                assert!(!render(&error, false).is_empty());
            }
        }
    }
}
