//! What an error of the server means: a row at fault, a matter of time, or no use trying again.

use sqlx::postgres::PgDatabaseError;

use crate::sink::SendError;
use crate::sink::sql::Failure;

/// Classes of SQLSTATE that a row is to blame for: data, constraints, what a trigger raises, and rows
/// that are too large.
const OF_ROWS: [&str; 4] = ["22", "23", "P0", "54"];
/// Classes that pass: connections, a conflict of transactions, resources (a full disk), locks, a
/// server that is stopped or not there yet, its system.
const FOR_NOW: [&str; 6] = ["08", "40", "53", "55", "57", "58"];
/// More than one row of a key in one statement: apart they pass.
const CARDINALITY: &str = "21000";
/// A server that has become a replica.
const READ_ONLY: &str = "25006";

/// An error as one of what was being done at an address.
pub(super) fn error(address: &str, doing: &str, error: &sqlx::Error) -> SendError {
    let said = said(error);
    let message = format!("{address}: {doing}: {said}");
    match (error, code(error)) {
        (sqlx::Error::Database(_), Some(code)) => {
            let help = help(code);
            match FOR_NOW.iter().any(|class| code.starts_with(class)) || code == READ_ONLY {
                true => SendError::transient(message + help),
                false => SendError::fatal(message + help),
            }
        }
        (sqlx::Error::Io(_) | sqlx::Error::Protocol(_) | sqlx::Error::WorkerCrashed, _) => {
            SendError::transient(message)
        }
        _ => SendError::fatal(message),
    }
}

/// The same of a statement that writes rows; `row` finds the one that a line of a COPY is.
pub(super) fn of_rows(
    address: &str,
    doing: &str,
    failed: &sqlx::Error,
    row: impl FnOnce(usize) -> Option<usize>,
) -> Failure {
    match code(failed) {
        Some(code) if code == CARDINALITY || OF_ROWS.iter().any(|of| code.starts_with(of)) => {
            let line = server(failed).and_then(PgDatabaseError::r#where);
            Failure::Row(said(failed), line.and_then(line_number).and_then(row))
        }
        _ => Failure::Other(error(address, doing, failed)),
    }
}

fn server(error: &sqlx::Error) -> Option<&PgDatabaseError> {
    match error {
        sqlx::Error::Database(error) => error.try_downcast_ref::<PgDatabaseError>(),
        _ => None,
    }
}

fn code(error: &sqlx::Error) -> Option<&str> {
    server(error).map(PgDatabaseError::code)
}

/// The server's own words.
fn said(error: &sqlx::Error) -> String {
    match server(error) {
        None => error.to_string(),
        Some(server) => match server.detail() {
            Some(detail) => format!("{} ({detail})", server.message()),
            None => server.message().to_owned(),
        },
    }
}

fn help(code: &str) -> &'static str {
    match code {
        "28P01" | "28000" => "; look at `user`, `password` and the server's pg_hba.conf",
        "3D000" => "; make it with createdb, or correct `database`",
        "42501" => "; grant it, or log in as another `user`",
        "3F000" => "; make it, or correct `schema`",
        "53100" => "; make room on the server",
        _ => "",
    }
}

/// Which line of a COPY was at fault: `COPY t, line 7, column c: "x"`, in whatever language. A wrong
/// guess costs time alone.
fn line_number(context: &str) -> Option<usize> {
    let after = context.lines().find(|line| line.starts_with("COPY "))?;
    let end = after.find(':').unwrap_or(after.len());
    after[..end]
        .split(|c: char| !c.is_ascii_digit() && c != '_' && !c.is_alphabetic())
        .filter(|word| !word.is_empty() && word.bytes().all(|b| b.is_ascii_digit()))
        .find_map(|word| word.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_of_a_copy_is_found() {
        for (context, line) in [
            ("COPY t, line 7, column c: \"x 9\"", Some(7)),
            ("COPY table_3, line 12: \"1\t2\"", Some(12)),
            ("COPY t, Zeile 5, Spalte a: «9»", Some(5)),
            ("SQL function \"f\" during inlining", None),
        ] {
            assert_eq!(line_number(context), line, "{context}");
        }
    }
}
