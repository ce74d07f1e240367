//! What an answer says beside its status.

use std::time::{Duration, SystemTime};

use reqwest::header;

/// How long the endpoint asks to wait: seconds, or a date.
pub(super) fn retry_after(headers: &header::HeaderMap) -> Option<Duration> {
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse::<u32>() {
        return Some(Duration::from_secs(seconds.into()));
    }
    let date = jiff::fmt::rfc2822::parse(text).ok()?.timestamp();
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .ok()?;
    let until = Duration::try_from(date.duration_since(jiff::Timestamp::UNIX_EPOCH)).ok()?;
    Some(until.saturating_sub(now))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let of = |text: &str| {
            let mut headers = header::HeaderMap::new();
            headers.insert(header::RETRY_AFTER, text.parse().unwrap());
            retry_after(&headers)
        };
        assert_eq!(of("7"), Some(Duration::from_secs(7)));
        assert_eq!(of("Wed, 21 Oct 2015 07:28:00 GMT"), Some(Duration::ZERO));
        let ahead = of("Fri, 31 Dec 2100 23:59:59 GMT").unwrap();
        assert!(ahead > Duration::from_secs(86_400 * 365), "{ahead:?}");
        assert_eq!(of("soon"), None);
    }
}
