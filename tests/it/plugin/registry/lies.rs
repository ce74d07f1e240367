//! Registries that send something else than what was asked for, or nothing: it is found out, said, and not kept.

use std::time::Duration;

use axum::body::{Body, Bytes};
use futures::{StreamExt as _, stream};
use serde_json::{Value, json};

use super::fake::{Fake, answer};
use super::{CONFIG, MANIFEST, Machine, WASM, manifest, sha256};
use crate::common::fixture;

/// A registry with one manifest, and one answer to every blob.
fn registry(manifest: &Value, blob: impl Fn() -> Body + Send + Sync + 'static) -> Fake {
    let manifest = manifest.to_string();
    Fake::start(move |asked| {
        if asked.path.contains("/manifests/") {
            answer(200, &[("Content-Type", MANIFEST)], manifest.clone())
        } else if asked.path.contains("/blobs/") {
            answer(200, &[], blob())
        } else {
            answer(200, &[], "{}")
        }
    })
}

fn refused(fake: &Fake, parts: &[&str]) {
    let place = format!("oci://{}/a/b:1", fake.host);
    let mut all = vec![place.as_str()];
    all.extend(parts);
    Machine::new().refuses(&place, &[], &all);
}

#[test]
fn what_was_changed_on_the_way_is_not_taken() {
    let villain = fixture("villain");
    let honest = manifest(CONFIG, &[(WASM, &villain)]);
    let not_asked_for = "is not what was asked for";
    // Another component under the digest of the first.
    refused(
        &registry(&honest, || fixture("twin").into()),
        &[not_asked_for],
    );
    let mut damaged = villain.clone();
    damaged[4_000] ^= 1;
    let parts = [not_asked_for, &sha256(&villain), &sha256(&damaged)];
    refused(&registry(&honest, move || damaged.clone().into()), &parts);
    let half = villain[..villain.len() / 2].to_vec();
    refused(
        &registry(&honest, move || half.clone().into()),
        &[not_asked_for],
    );
    // Another manifest under a digest that somebody keeps to.
    let fake = registry(&honest, Body::empty);
    let digest = sha256(b"another");
    let place = format!("oci://{}/a/b@{digest}", fake.host);
    let found = sha256(honest.to_string().as_bytes());
    Machine::new().refuses(&place, &[], &[not_asked_for, &digest, &found]);
    // And the honest one is taken.
    let fake = registry(&honest, || fixture("villain").into());
    let said = Machine::new().add(&format!("oci://{}/a/b@{found}", fake.host));
    assert!(said.contains("added villain@1.0.0"), "{said}");
}

#[test]
fn what_is_too_long_is_not_fetched_and_what_goes_on_is_cut() {
    let mut large = manifest(CONFIG, &[(WASM, b"x")]);
    large["layers"][0]["size"] = json!((64 << 20) + 1);
    let fake = registry(&large, || "x".into());
    refused(
        &fake,
        &[
            "64.1 MiB",
            "the limit of a component is 64 MiB",
            "nothing of it was fetched",
        ],
    );
    assert!(
        fake.asked()
            .iter()
            .all(|asked| !asked.path.contains("/blobs/"))
    );
    // Without end.
    let short = manifest(CONFIG, &[(WASM, &[0; 1_000])]);
    let endless = || {
        let chunk = Bytes::from_static(&[0; 4_096]);
        Body::from_stream(stream::repeat_with(move || Ok::<_, String>(chunk.clone())))
    };
    refused(&registry(&short, endless), &["says 1000 bytes", "came"]);
    // Broken off.
    let broken = || {
        // After what came before has gone out.
        let gone = stream::once(async {
            tokio::time::sleep(Duration::from_millis(300)).await;
            Err("gone".to_owned())
        });
        let begun = stream::iter([Ok(Bytes::from_static(&[0; 500]))]);
        Body::from_stream(begun.chain(gone))
    };
    refused(
        &registry(&short, broken),
        &["broke off after 500 bytes", "try again"],
    );
}

#[test]
fn other_places_are_not_asked() {
    let mut elsewhere = manifest(CONFIG, &[(WASM, &fixture("villain"))]);
    let other = Fake::start(|_| answer(200, &[], fixture("villain")));
    elsewhere["layers"][0]["urls"] = json!([format!("http://{}/x", other.host)]);
    let manifest = elsewhere.to_string();
    let fake = Fake::start(move |asked| match asked.path.contains("/manifests/") {
        true => answer(200, &[], manifest.clone()),
        false => answer(404, &[], ""),
    });
    refused(&fake, &["there is no"]);
    assert!(other.asked().is_empty());
    // Nor any by the digest.
    elsewhere["layers"][0]["digest"] = json!("sha256:../../../../x");
    refused(
        &registry(&elsewhere, Body::empty),
        &["a manifest whose layer has"],
    );
}

/// A registry that takes that token alone, and gives it to `ann` with her password.
fn with_tokens(token: &'static str) -> Fake {
    let manifest = manifest(CONFIG, &[(WASM, &fixture("villain"))]).to_string();
    Fake::start(move |asked| {
        if asked.path.starts_with("/token") {
            // ann:secret
            return match asked.authorization.as_str() {
                "Basic YW5uOnNlY3JldA==" => answer(200, &[], json!({"token": token}).to_string()),
                _ => answer(
                    401,
                    &[],
                    r#"{"errors":[{"code":"DENIED","message":"who is that?"}]}"#,
                ),
            };
        }
        if asked.authorization != format!("Bearer {token}") {
            let realm = format!(
                "Bearer realm=\"http://{}/token\",service=\"fake\"",
                asked.host
            );
            return answer(401, &[("WWW-Authenticate", &realm)], "");
        }
        match asked.path.contains("/manifests/") {
            true => answer(200, &[], manifest.clone()),
            false => answer(200, &[], fixture("villain")),
        }
    })
}

#[test]
fn tokens_are_fetched_where_the_registry_says() {
    let fake = with_tokens("t0ken");
    let place = format!("oci://{}/a/b:1", fake.host);
    let machine = Machine::new();
    let as_ann = |password| {
        [
            ("WELLHEAD_OCI_USER", "ann"),
            ("WELLHEAD_OCI_PASSWORD", password),
        ]
    };
    machine.refuses(
        &place,
        &[],
        &[
            "refuses anybody who doesn't log in",
            "who is that?",
            "docker login",
        ],
    );
    machine.refuses(
        &place,
        &as_ann("wrong"),
        &["refuses the user `ann`", "who is that?"],
    );
    let said = machine.says(0, &["plugin", "add", &place], &as_ann("secret"));
    assert!(said.contains("added villain@1.0.0"), "{said}");
    let asked = fake.asked();
    let token = asked
        .iter()
        .rfind(|asked| asked.path.starts_with("/token"))
        .unwrap();
    assert!(
        token.path.contains("scope=repository%3Aa%2Fb%3Apull")
            && token.path.contains("service=fake")
    );
    // The password goes to where tokens are made, and nowhere else.
    let basic = asked
        .iter()
        .filter(|asked| asked.authorization.starts_with("Basic"));
    assert!(basic.clone().count() > 0);
    assert!(basic.clone().all(|asked| asked.path.starts_with("/token")));
    let fake = with_tokens("t0\nken");
    let place = format!("oci://{}/a/b:1", fake.host);
    Machine::new().refuses(&place, &as_ann("secret"), &["no usable answer", "token"]);
}

#[test]
fn what_is_no_registry_is_said() {
    for (status, body, parts) in [
        (404, "<html>", ["there is no oci://", "(<html>)"]),
        (
            500,
            "a\u{1b}[31mb",
            ["no usable answer", "status 500 (a?[31mb)"],
        ),
        (
            200,
            "hello",
            ["is something without a manifest", "a component is needed"],
        ),
        (
            429,
            r#"{"errors":[{"code":"TOOMANYREQUESTS","message":"slow down"}]}"#,
            ["slow down", "Try again later"],
        ),
        (
            403,
            r#"{"errors":[{"code":"DENIED","message":"not yours"}]}"#,
            ["not yours", "docker login"],
        ),
        (
            200,
            r#"{"schemaVersion": 1, "name": "a"}"#,
            ["Unsupported schema version", "a component is needed"],
        ),
    ] {
        let fake = Fake::start(move |asked| match asked.path.as_str() {
            "/v2/" => answer(200, &[], ""),
            _ => answer(status, &[], body),
        });
        Machine::new().refuses(&format!("oci://{}/a/b:1", fake.host), &[], &parts);
    }
    // A port that was somebody's, and is nobody's.
    let closed = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let place = format!("oci://{closed}/a/b:1");
    Machine::new().refuses(
        &place,
        &[],
        &[
            "no answer from the registry 127.0.0.1",
            "does a registry listen there?",
        ],
    );
    // What isn't on this machine is spoken to over TLS.
    let parts = [
        "no answer from the registry registry.invalid",
        "written oci+http://",
    ];
    Machine::new().refuses("oci://registry.invalid/a/b:1", &[], &parts);
    let said = Machine::new();
    said.refuses(
        "oci://b:1",
        &[],
        &["names no component", "oci://REGISTRY/REPOSITORY:TAG"],
    );
}
