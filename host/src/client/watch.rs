//! What happens to an emulation, as the server sends it: server-sent events, gone on with where the
//! connection was lost.

use std::collections::VecDeque;
use std::time::Duration;

use reqwest::{Method, Response};
use serde_json::Value;

use super::{Client, ClientError, path};

/// How long to wait before the server is asked again.
const AGAIN: Duration = Duration::from_secs(1);
/// How often it is asked in a row before that is given up.
const TRIES: u32 = 30;
/// Bytes of an event at most; more is no event of ours.
const LONGEST: usize = 1 << 20;

/// Something that happened.
#[derive(Clone, Debug, PartialEq)]
pub struct Happened {
    /// `status`, `progress` or `error`.
    pub kind: String,
    /// What goes with it.
    pub data: Value,
}

/// A view of an emulation's events.
pub struct Watch {
    client: Client,
    id: String,
    response: Option<Response>,
    seen: Option<String>,
    rest: Vec<u8>,
    ready: VecDeque<Happened>,
    tries: u32,
}

impl Client {
    /// Watches an emulation, from the first event that is kept.
    pub fn watch(&self, id: &str) -> Watch {
        Watch {
            client: self.clone(),
            id: id.to_owned(),
            response: None,
            seen: None,
            rest: Vec::new(),
            ready: VecDeque::new(),
            tries: 0,
        }
    }
}

impl Watch {
    /// What happens next; none once the emulation is over.
    ///
    /// # Errors
    /// Where the server refuses, or stays away.
    pub async fn next(&mut self) -> Result<Option<Happened>, ClientError> {
        loop {
            if let Some(happened) = self.ready.pop_front() {
                return Ok(Some(happened));
            }
            let failed = match &mut self.response {
                None => match self.connect().await {
                    Ok(()) => continue,
                    Err(error) => error,
                },
                Some(response) => match response.chunk().await {
                    Ok(Some(piece)) => {
                        self.rest.extend_from_slice(&piece);
                        self.tries = 0;
                        self.take_events()?;
                        continue;
                    }
                    // The emulation ended, or the server did: its status says which.
                    Ok(None) => {
                        self.response = None;
                        self.rest.clear();
                        match self.client.show(&self.id).await {
                            Ok(status) if !status.state.is_live() => return Ok(None),
                            Ok(_) => continue,
                            Err(error) => error,
                        }
                    }
                    Err(error) => {
                        self.response = None;
                        self.rest.clear();
                        self.client.unreachable(&error)
                    }
                },
            };
            let passing = match &failed {
                ClientError::Unreachable { .. } => true,
                ClientError::Refused(problem) => problem.status == 503,
                _ => false,
            };
            // The first connection has to be there.
            if !passing || self.seen.is_none() || self.tries >= TRIES {
                return Err(failed);
            }
            self.tries += 1;
            tokio::time::sleep(AGAIN).await;
        }
    }

    async fn connect(&mut self) -> Result<(), ClientError> {
        let mut request = self
            .client
            .request(Method::GET, &path(&self.id, "/events"))?;
        if let Some(seen) = &self.seen {
            request = request.header("Last-Event-ID", seen);
        }
        self.response = Some(self.client.send(request).await?);
        Ok(())
    }

    /// Takes whole events out of what came.
    fn take_events(&mut self) -> Result<(), ClientError> {
        while let Some(end) = self.rest.windows(2).position(|two| two == b"\n\n") {
            let event: Vec<u8> = self.rest.drain(..end + 2).collect();
            let (mut kind, mut data) = (String::new(), String::new());
            for line in String::from_utf8_lossy(&event).lines() {
                // Lines without a name are there to keep the connection alive.
                let Some((name, value)) = line.split_once(':') else {
                    continue;
                };
                let value = value.strip_prefix(' ').unwrap_or(value);
                match name {
                    "id" => self.seen = Some(value.to_owned()),
                    "event" => value.clone_into(&mut kind),
                    "data" => data.push_str(value),
                    _ => {}
                }
            }
            if data.is_empty() {
                continue;
            }
            let data = serde_json::from_str(&data).map_err(|e| self.client.odd(e))?;
            self.ready.push_back(Happened { kind, data });
        }
        match self.rest.len() > LONGEST {
            true => Err(self.client.odd("an event that doesn't end")),
            false => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_taken_out_of_pieces() {
        let client = Client::new("http://localhost:1", None).unwrap();
        let mut watch = client.watch("x");
        let text = ": alive\n\nid: 1\nevent: status\ndata: {\"state\":\"running\"}\n\nid: 2\nevent: progress\ndata: {\"released\":5}\n\n";
        for byte in text.bytes() {
            watch.rest.push(byte);
            watch.take_events().unwrap();
        }
        let kinds: Vec<&str> = watch.ready.iter().map(|h| h.kind.as_str()).collect();
        assert_eq!(kinds, ["status", "progress"]);
        assert_eq!(watch.ready[1].data["released"], 5);
        assert_eq!(watch.seen.as_deref(), Some("2"));
        watch.rest = vec![b'x'; LONGEST + 1];
        assert!(watch.take_events().is_err());
    }
}
