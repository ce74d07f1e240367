//! The table that a run prints: what was measured beside what must be reached.

/// One row.
pub struct Row {
    /// What was measured.
    pub name: String,
    /// The figure, with those that it was made of.
    pub measured: String,
    /// What must be reached; empty where a figure only stands beside another.
    pub target: String,
    /// Whether it was; none where nothing must be, or nothing was measured.
    pub reached: Option<bool>,
}

impl Row {
    /// A row whose figure must be at least `least`.
    pub fn at_least(name: impl Into<String>, figure: f64, least: f64, detail: &str) -> Row {
        Row {
            name: name.into(),
            measured: format!("{figure:.3}{}", brackets(detail)),
            target: format!("≥ {least}"),
            reached: Some(figure >= least),
        }
    }

    /// A row whose figure must be at most `most`.
    pub fn at_most(name: impl Into<String>, figure: f64, most: f64, detail: &str) -> Row {
        Row {
            name: name.into(),
            measured: format!("{figure:.3}{}", brackets(detail)),
            target: format!("≤ {most}"),
            reached: Some(figure <= most),
        }
    }

    /// A figure that stands beside others.
    pub fn beside(name: impl Into<String>, measured: impl Into<String>) -> Row {
        Row {
            name: name.into(),
            measured: measured.into(),
            target: String::new(),
            reached: None,
        }
    }
}

fn brackets(detail: &str) -> String {
    match detail {
        "" => String::new(),
        detail => format!("  ({detail})"),
    }
}

/// Prints the rows under one another.
pub fn print(rows: &[Row]) {
    let width = |of: fn(&Row) -> &str, title: &str| {
        let longest = rows.iter().map(|row| of(row).chars().count()).max();
        longest.unwrap_or(0).max(title.len())
    };
    let name = width(|row| &row.name, "what");
    let measured = width(|row| &row.measured, "measured");
    let target = width(|row| &row.target, "target");
    let line = |a: &str, b: &str, c: &str, d: &str| {
        println!("{a:name$}  {b:measured$}  {c:target$}  {d}");
    };
    line("what", "measured", "target", "reached");
    for row in rows {
        let reached = match row.reached {
            Some(true) => "yes",
            Some(false) => "NO",
            None => "",
        };
        line(&row.name, &row.measured, &row.target, reached);
    }
}

/// A rate as people read it: `7.1 M/s`, `310 k/s`.
pub fn rate(per_second: f64) -> String {
    match per_second {
        r if r >= 1e6 => format!("{:.2} M/s", r / 1e6),
        r => format!("{:.0} k/s", r / 1e3),
    }
}
