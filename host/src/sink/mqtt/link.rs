//! A client of either version of the protocol: the two crates have the same shape and other types.

use super::messages::Message;
use super::options::{Options, Version};
use super::{v4, v5};
use crate::sink::SendError;

/// Where messages are handed to.
pub(super) enum Sender {
    V4(v4::Sender),
    V5(v5::Sender),
}

/// What drives the connection.
pub(super) enum Link {
    V4(Box<v4::Link>),
    V5(Box<v5::Link>),
}

/// Comes true when the broker has the message, or when it is known that it hasn't.
pub(super) enum Notice {
    V4(rumqttc_v4::PublishNotice),
    V5(rumqttc_v5::PublishNotice),
}

/// What became of a message.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// The broker has it (at QoS 0: the socket).
    Taken,
    /// The broker will never take it.
    Refused(String),
    /// The connection broke before anybody knew.
    Lost,
}

/// What a connection says.
pub(super) enum Event {
    /// The broker took the client in. It allows so many messages in flight, and such large ones.
    Connected {
        window: Option<u16>,
        packet: Option<u32>,
    },
    /// Nothing that matters here.
    Other,
}

/// Why there is no connection.
pub(super) struct Down {
    /// In words, without secrets.
    pub(super) reason: String,
    /// Whether waiting won't mend it: a wrong password, a certificate.
    pub(super) hopeless: bool,
    /// Whether it was closed on purpose.
    pub(super) closed: bool,
}

/// A client with that name, which doesn't connect yet.
pub(super) fn open(options: &Options, id: &str) -> Result<(Sender, Link), SendError> {
    let failed =
        |why: String| SendError::fatal(format!("mqtt ({}) can't be set up: {why}", options.host));
    let tls = match options.over_tls() {
        true => Some(tls(options).map_err(failed)?),
        false => None,
    };
    match options.version {
        Version::V4 => v4::open(options, id, tls)
            .map(|(sender, link)| (Sender::V4(sender), Link::V4(Box::new(link)))),
        Version::V5 => v5::open(options, id, tls)
            .map(|(sender, link)| (Sender::V5(sender), Link::V5(Box::new(link)))),
    }
    .map_err(failed)
}

fn tls(options: &Options) -> Result<rumqttc_v4::TlsConfiguration, String> {
    crate::sink::tls::install();
    let read = |option: &str, path: &std::path::Path| {
        std::fs::read(path).map_err(|error| format!("`{option}` {}: {error}", path.display()))
    };
    let Some(ca) = &options.tls_ca else {
        return rumqttc_v4::TlsConfiguration::try_default_rustls()
            .map_err(|error| format!("the system's certificates: {error}"));
    };
    let own = match (&options.tls_cert, &options.tls_key) {
        (Some(cert), Some(key)) => Some((read("tls_cert", cert)?, read("tls_key", key)?)),
        _ => None,
    };
    Ok(rumqttc_v4::TlsConfiguration::Simple {
        ca: read("tls_ca", ca)?,
        alpn: None,
        client_auth: own,
    })
}

impl Sender {
    /// Hands a message over; none where the client takes no more.
    #[inline]
    pub(super) fn publish(&self, message: Message) -> Option<Notice> {
        match self {
            Sender::V4(sender) => sender.publish(message).map(Notice::V4),
            Sender::V5(sender) => sender.publish(message).map(Notice::V5),
        }
    }

    /// Comes true when the broker has gone through everything that was sent before.
    pub(super) async fn barrier(&self) {
        match self {
            Sender::V4(sender) => sender.barrier().await,
            Sender::V5(sender) => sender.barrier().await,
        }
    }

    /// Takes leave once everything is out.
    pub(super) fn leave(&self) {
        match self {
            Sender::V4(sender) => sender.leave(),
            Sender::V5(sender) => sender.leave(),
        }
    }
}

impl Link {
    /// Drives the connection, which is made anew after an error.
    pub(super) async fn poll(&mut self) -> Result<Event, Down> {
        match self {
            Link::V4(link) => link.poll().await,
            Link::V5(link) => link.poll().await,
        }
    }
}

impl Notice {
    pub(super) async fn fate(self) -> Fate {
        match self {
            Notice::V4(notice) => v4::fate(notice.wait_async().await),
            Notice::V5(notice) => v5::fate(notice.wait_async().await),
        }
    }
}

/// Whether waiting won't mend a TLS error: what is wrong with a certificate stays so.
pub(super) fn certificate_trouble(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    lower.contains("certificate") || lower.contains("unknownissuer") || lower.contains("pem")
}
