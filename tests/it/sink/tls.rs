//! HTTP and S3 over TLS: a proxy in front of a plain server, with a certificate that only the tests'
//! own authority vouches for.

use std::path::PathBuf;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, crypto};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use super::http::connections::Wire;
use super::http::server::Server;
use super::s3::Bucket;
use super::{Service, group, message, open, start};
use crate::common::{Sandbox, service, stderr, wait};

/// Ends TLS and hands the bytes on.
struct Proxy {
    address: String,
    task: tokio::task::JoinHandle<()>,
}

impl Proxy {
    /// In front of a server, with the certificate beside that authority's.
    async fn start(upstream: &str, authority: &str) -> Proxy {
        let folder = PathBuf::from(authority).parent().unwrap().to_owned();
        let certificate = CertificateDer::from_pem_file(folder.join("server.crt")).unwrap();
        let key = PrivateKeyDer::from_pem_file(folder.join("server.key")).unwrap();
        let provider = Arc::new(crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("https://{}", listener.local_addr().unwrap());
        let upstream = upstream.replace("http://", "");
        let task = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                let (acceptor, upstream) = (acceptor.clone(), upstream.clone());
                connections.spawn(async move {
                    // A client that doesn't trust the certificate goes away here.
                    let mut client = acceptor.accept(client).await.ok()?;
                    let mut server = TcpStream::connect(upstream).await.ok()?;
                    tokio::io::copy_bidirectional(&mut client, &mut server)
                        .await
                        .ok()
                });
            }
        });
        Proxy { address, task }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn with(mut options: Value, more: Value) -> serde_json::Map<String, Value> {
    let options = options.as_object_mut().unwrap();
    options.extend(more.as_object().unwrap().clone());
    options.clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn http_over_tls_trusts_whom_it_is_told_to() {
    let Some(authority) = service("WELLHEAD_TEST_MQTT_CA") else {
        return;
    };
    let server = Server::start().await;
    let proxy = Proxy::start(&server.address, &authority).await;
    let options = json!({"url": format!("{}/in", proxy.address)});
    for more in [json!({"tls_ca": authority}), json!({"tls_verify": false})] {
        let before = server.taken().len();
        let block = ("https", with(options.clone(), more));
        let mut fixture = start(&block, "run-1", None).await;
        fixture.sink.write(&group(&[0; 3], 5)).await.unwrap();
        fixture.sink.close(true).await.unwrap();
        assert_eq!(server.taken().len() - before, 15);
        assert_eq!(fixture.receipts.acknowledged(), 15);
    }
    let health = json!({"health": format!("{}/up", proxy.address), "health_timeout": "1s"});
    let mut fixture = open(&("https", with(options, health)), "run-1", &[0; 3]);
    let said = message(fixture.sink.prepare().await);
    assert!(said.contains("ertificate"), "{said}");
}

/// TLS goes through a proxy's tunnel to the endpoint itself.
#[tokio::test(flavor = "multi_thread")]
async fn http_over_tls_goes_through_a_tunnel() {
    let Some(authority) = service("WELLHEAD_TEST_MQTT_CA") else {
        return;
    };
    let server = Server::start().await;
    let endpoint = Proxy::start(&server.address, &authority).await;
    let proxy = Wire::start(usize::MAX).await;
    let to = format!("{}/in?ordered=all&wh-tls_ca={authority}", endpoint.address);
    let sandbox = Sandbox::new();
    let child = sandbox
        .command(&["run", "transaction", "--records", "3", "--to", &to])
        .env(
            "https_proxy",
            format!("http://me:s3@127.0.0.1:{}", proxy.port),
        )
        .spawn()
        .unwrap();
    let output = tokio::task::block_in_place(|| wait(child));
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(server.taken().len(), 3);
    let taken = &server.taken()[0];
    assert_eq!(taken.path, "/in");
    assert!(!taken.headers.contains_key("proxy-authorization"));
    let heads = proxy.heads().concat();
    let host = endpoint.address.replace("https://", "");
    assert_eq!(heads.len(), 1, "one connection, one tunnel");
    assert!(
        heads[0].starts_with(&format!("CONNECT {host} HTTP/1.1")),
        "{}",
        heads[0]
    );
    assert!(
        heads[0].contains("Proxy-Authorization: Basic bWU6czM="),
        "{}",
        heads[0]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn s3_over_tls_trusts_whom_it_is_told_to() {
    let (Some(authority), Some(mut bucket)) =
        (service("WELLHEAD_TEST_MQTT_CA"), Bucket::new(json!({})))
    else {
        return;
    };
    let plain = bucket.endpoint.clone();
    let proxy = Proxy::start(&plain, &authority).await;
    bucket.endpoint.clone_from(&proxy.address);
    let (kind, options) = bucket.block();
    for more in [json!({"tls_ca": authority}), json!({"tls_verify": false})] {
        let block = (kind, with(options.clone().into(), more));
        let mut fixture = start(&block, "run-1", None).await;
        fixture.sink.write(&group(&[0; 3], 50)).await.unwrap();
        fixture.sink.close(true).await.unwrap();
        assert_eq!(fixture.receipts.acknowledged(), 150);
    }
    bucket.endpoint = plain;
    assert_eq!(bucket.read().len(), 150);
    let mut fixture = open(&(kind, options), "run-1", &[0; 3]);
    let said = message(fixture.sink.prepare().await);
    assert!(said.contains("ertificate"), "{said}");
}
