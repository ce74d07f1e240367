//! MQTT 3.1.1.

use std::time::Duration;

use rumqttc_v4::{
    AsyncClient, Broker, ConnectReturnCode, ConnectionError, EventLoop, Incoming, LastWill,
    MqttOptions, PublishNoticeError, PublishOptions, PublishResult, QoS, TlsConfiguration,
    Transport, ValidatedTopic,
};
use secrecy::ExposeSecret;

use super::link::{Down, Event, Fate, certificate_trouble};
use super::messages::Message;
use super::options::Options;

/// Messages that are written before the socket is flushed.
const BATCH: usize = 256;
/// The protocol's own limit of a packet.
const LARGEST: usize = 268_435_455;

pub(super) struct Sender {
    client: AsyncClient,
    options: PublishOptions,
}

pub(super) struct Link(EventLoop);

fn level(qos: u8) -> QoS {
    match qos {
        0 => QoS::AtMostOnce,
        1 => QoS::AtLeastOnce,
        _ => QoS::ExactlyOnce,
    }
}

pub(super) fn open(
    options: &Options,
    id: &str,
    tls: Option<TlsConfiguration>,
) -> Result<(Sender, Link), String> {
    let (host, port) = options.address().ok_or("`host` has no host")?;
    let mut client = MqttOptions::new(id, Broker::tcp(host, port));
    let keep_alive = options.keep_alive.0.as_secs().clamp(1, u16::MAX.into());
    client
        .set_keep_alive(keep_alive as u16)
        .set_clean_session(true)
        .set_max_packet_size(LARGEST, LARGEST)
        .set_max_request_batch(BATCH)
        .set_inflight(options.window());
    if let Some(username) = &options.username {
        match &options.password {
            Some(password) => {
                client.set_credentials(username, password.expose_secret().as_bytes().to_vec())
            }
            None => client.set_username(username),
        };
    }
    if let Some(will) = &options.will {
        let payload = will.payload.as_bytes();
        client.set_last_will(LastWill::new(
            &will.topic,
            payload,
            level(will.qos),
            will.retain,
        ));
    }
    if let Some(tls) = tls {
        client.set_transport(Transport::tls_with_config(tls));
    }
    let (client, mut link) = AsyncClient::builder(client)
        .unbounded()
        .try_build()
        .map_err(|error| error.to_string())?;
    link.network_options.set_tcp_nodelay(true);
    let seconds = options
        .connect_timeout
        .0
        .max(Duration::from_secs(1))
        .as_secs();
    link.network_options.set_connection_timeout(seconds);
    let options = PublishOptions::new(level(options.qos)).retain(options.retain);
    Ok((Sender { client, options }, Link(link)))
}

impl Sender {
    #[inline]
    pub(super) fn publish(&self, message: Message) -> Option<rumqttc_v4::PublishNotice> {
        let topic = ValidatedTopic::new(message.topic).ok()?;
        self.client
            .try_publish_tracked(topic, message.payload, self.options)
            .ok()
    }

    /// Comes true when the broker has gone through everything that was sent before.
    pub(super) async fn barrier(&self) {
        // Giving up what one never had changes nothing, and is answered in its turn.
        if let Ok(notice) = self.client.try_unsubscribe_tracked("wellhead/none") {
            let _ = notice.wait_async().await;
        }
    }

    pub(super) fn leave(&self) {
        // Where nobody listens any more there is nobody to take leave of.
        let _ = self.client.try_disconnect();
    }
}

impl Link {
    pub(super) async fn poll(&mut self) -> Result<Event, Down> {
        match self.0.poll().await {
            Ok(rumqttc_v4::Event::Incoming(Incoming::ConnAck(_))) => Ok(Event::Connected {
                window: None,
                packet: None,
            }),
            Ok(_) => Ok(Event::Other),
            Err(error) => Err(down(&error)),
        }
    }
}

fn down(error: &ConnectionError) -> Down {
    let (reason, hopeless) = match error {
        ConnectionError::ConnectionRefused(code) => refusal(*code),
        ConnectionError::Tls(error) => {
            let text = format!("TLS: {error}");
            let hopeless = certificate_trouble(&text);
            (text, hopeless)
        }
        other => (other.to_string(), false),
    };
    Down {
        reason,
        hopeless,
        closed: matches!(error, ConnectionError::RequestsDone),
    }
}

fn refusal(code: ConnectReturnCode) -> (String, bool) {
    use ConnectReturnCode as Code;
    let (why, hopeless) = match code {
        Code::BadClientId => (
            "the broker refuses the client id; set another `client_id`",
            true,
        ),
        Code::BadUserNamePassword => (
            "the broker refuses user name or password; see `username` and `password`",
            true,
        ),
        Code::NotAuthorized => (
            "the broker doesn't let this client in (not authorized); see `username`, `password` and `client_id`",
            true,
        ),
        Code::RefusedProtocolVersion => (
            "the broker doesn't speak MQTT 3.1.1; try `version: 5`",
            true,
        ),
        Code::ServiceUnavailable => ("the broker says that it isn't available", false),
        Code::Success => ("the broker's answer makes no sense", false),
    };
    (why.to_owned(), hopeless)
}

pub(super) fn fate(result: Result<PublishResult, PublishNoticeError>) -> Fate {
    match result {
        Ok(_) => Fate::Taken,
        Err(_) => Fate::Lost,
    }
}
