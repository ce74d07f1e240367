//! What an answer says beside its status.

use std::time::{Duration, SystemTime};

use reqwest::{Response, header};

/// Bytes of a refusal's body that are kept as its reason.
const REASON: usize = 300;
/// Bytes of a body that are read so that its connection can be used again.
const DRAINED: usize = 64 * 1024;

/// Reads a body to its end, so that the connection can be used again; gives its beginning.
pub(super) async fn drained(mut response: Response) -> String {
    let mut start = Vec::new();
    let mut read = 0;
    while let Ok(Some(chunk)) = response.chunk().await {
        read += chunk.len();
        let room = REASON - start.len().min(REASON);
        start.extend_from_slice(&chunk[..chunk.len().min(room)]);
        if read > DRAINED {
            break;
        }
    }
    String::from_utf8_lossy(&start).into_owned()
}

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
