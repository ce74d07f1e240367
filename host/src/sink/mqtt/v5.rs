//! MQTT 5.

use std::time::Duration;

use rumqttc_v5::{
    AsyncClient, Broker, ConnectReturnCode, ConnectionError, EventLoop, Incoming, LastWill,
    MqttOptions, NetworkOptions, PubAckReason, PubRecReason, PublishNoticeError, PublishOptions,
    PublishProperties, PublishResult, QoS, StateError, TlsConfiguration, Transport, ValidatedTopic,
};
use secrecy::ExposeSecret;

use super::link::{Down, Event, Fate, certificate_trouble};
use super::messages::Message;
use super::options::Options;

/// Messages that are written before the socket is flushed.
const BATCH: usize = 256;

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
    let patience = options.connect_timeout.0.max(Duration::from_secs(1));
    let mut network = NetworkOptions::new();
    network.set_tcp_nodelay(true);
    network.set_connection_timeout(patience.as_secs());
    client
        .set_keep_alive(keep_alive as u16)
        .set_clean_start(true)
        .set_max_request_batch(BATCH)
        .set_connect_timeout(patience)
        .set_network_options(network)
        .set_outgoing_inflight_upper_limit(options.window());
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
        let will = LastWill::new(&will.topic, payload, level(will.qos), will.retain, None);
        client.set_last_will(will);
    }
    if let Some(tls) = tls {
        client.set_transport(Transport::tls_with_config(tls));
    }
    let (client, link) = AsyncClient::builder(client)
        .unbounded()
        .try_build()
        .map_err(|error| error.to_string())?;
    let options = PublishOptions::new(level(options.qos)).retain(options.retain);
    Ok((Sender { client, options }, Link(link)))
}

impl Sender {
    #[inline]
    pub(super) fn publish(&self, message: Message) -> Option<rumqttc_v5::PublishNotice> {
        let topic = ValidatedTopic::new(message.topic).ok()?;
        let mut options = self.options.clone();
        if !message.properties.is_empty() {
            options = options.properties(PublishProperties {
                user_properties: message.properties,
                ..PublishProperties::default()
            });
        }
        self.client
            .try_publish_tracked(topic, message.payload, options)
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
            Ok(rumqttc_v5::Event::Incoming(Incoming::ConnAck(ack))) => {
                let said = ack.properties.as_ref();
                Ok(Event::Connected {
                    window: said.and_then(|said| said.receive_max),
                    packet: said.and_then(|said| said.max_packet_size),
                })
            }
            Ok(_) => Ok(Event::Other),
            Err(error) => Err(down(&error)),
        }
    }
}

fn down(error: &ConnectionError) -> Down {
    let (reason, hopeless) = match error {
        ConnectionError::ConnectionRefused(code)
        | ConnectionError::MqttState(StateError::ConnFail { reason: code }) => refusal(*code),
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
        Code::BadClientId | Code::ClientIdentifierNotValid => (
            "the broker refuses the client id; set another `client_id`",
            true,
        ),
        Code::BadUserNamePassword => (
            "the broker refuses user name or password; see `username` and `password`",
            true,
        ),
        Code::NotAuthorized | Code::Banned | Code::BadAuthenticationMethod => (
            "the broker doesn't let this client in (not authorized); see `username`, `password` and `client_id`",
            true,
        ),
        Code::RefusedProtocolVersion | Code::UnsupportedProtocolVersion => (
            "the broker doesn't speak MQTT 5; try `version: 3.1.1`",
            true,
        ),
        Code::RetainNotSupported => ("the broker keeps no messages; leave out `retain`", true),
        Code::QoSNotSupported => ("the broker doesn't know that `qos`", true),
        Code::TopicNameInvalid => ("the broker refuses the topic of `will`", true),
        other => {
            return (
                format!("the broker refuses the connection: {other:?}"),
                false,
            );
        }
    };
    (why.to_owned(), hopeless)
}

pub(super) fn fate(result: Result<PublishResult, PublishNoticeError>) -> Fate {
    use PublishNoticeError as Error;
    let refused = |what: &dyn std::fmt::Debug| {
        Fate::Refused(format!("the broker refuses the message: {what:?}"))
    };
    match result {
        // Nobody listens: it was taken all the same.
        Ok(PublishResult::Qos1(ack)) => match ack.reason {
            PubAckReason::Success | PubAckReason::NoMatchingSubscribers => Fate::Taken,
            reason => refused(&reason),
        },
        Ok(PublishResult::Qos2PubRecRejected(ack)) => match ack.reason {
            PubRecReason::Success | PubRecReason::NoMatchingSubscribers => Fate::Taken,
            reason => refused(&reason),
        },
        Ok(_) => Fate::Taken,
        Err(Error::V5PubAck(PubAckReason::NoMatchingSubscribers)) => Fate::Taken,
        Err(Error::V5PubRec(PubRecReason::NoMatchingSubscribers)) => Fate::Taken,
        Err(Error::V5PubAck(reason)) => refused(&reason),
        Err(Error::V5PubRec(reason)) => refused(&reason),
        Err(Error::RetainNotSupported) => {
            Fate::Refused("the broker keeps no messages; leave out `retain`".to_owned())
        }
        Err(_) => Fate::Lost,
    }
}
