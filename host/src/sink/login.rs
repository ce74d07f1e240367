//! User and password in the address of a sink: `user:password@host`.

use super::ConfigError;

/// What stands before the `@` of an authority, decoded, and the hosts after it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Login<'a> {
    /// Empty where there is none.
    pub(crate) username: String,
    /// Likewise.
    pub(crate) password: String,
    /// Host and port, or several.
    pub(crate) hosts: &'a str,
}

/// Takes an authority apart.
///
/// # Errors
/// Where user or password aren't UTF-8.
pub(crate) fn login(authority: &str) -> Result<Login<'_>, ConfigError> {
    let (login, hosts) = authority.rsplit_once('@').unwrap_or(("", authority));
    let (username, password) = login.split_once(':').unwrap_or((login, ""));
    Ok(Login {
        username: decoded(username)?,
        password: decoded(password)?,
        hosts,
    })
}

/// User and password come percent-encoded, so that they may hold `@`, `:` and `/`.
fn decoded(text: &str) -> Result<String, ConfigError> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        let digits = (byte == b'%').then(|| after.get(..2)).flatten();
        let code = digits
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        if code.is_some() {
            rest = &after[2..];
        }
        out.push(code.unwrap_or(byte));
    }
    String::from_utf8(out).map_err(|_| {
        ConfigError::option(
            "username",
            "the user name or password in the address isn't UTF-8 once %XX is resolved",
        )
    })
}
