//! The other ways in: keys that are lent for a time, and buckets in the host's name.

use std::process::{Command, Output};

use serde_json::json;

use super::faults::Server;
use super::{Bucket, run};
use crate::common::{Sandbox, stderr, wait};

/// Writes a hundred records as users do, with the keys in Amazon's variables.
fn write(bucket: &Bucket, more: &str, variables: &[(&str, &str)]) -> Output {
    let to = format!("s3://{}/in?{more}", bucket.name);
    let arguments = ["run", "transaction", "--records", "100", "--to", &to];
    let sandbox = Sandbox::new();
    let mut command = sandbox.command(&arguments);
    for name in ["MINIO_ENDPOINT", "MINIO_ACCESS_KEY", "MINIO_SECRET_KEY"] {
        command.env_remove(name);
    }
    command
        .env("AWS_ACCESS_KEY_ID", &bucket.key)
        .env("AWS_SECRET_ACCESS_KEY", &bucket.secret)
        .envs(variables.iter().copied());
    wait(command.spawn().unwrap())
}

fn lines(bucket: &Bucket) -> usize {
    let texts = bucket.texts();
    texts.values().map(|text| text.lines().count()).sum()
}

fn tagged<'a>(xml: &'a str, name: &str) -> &'a str {
    let (_, rest) = xml.split_once(&format!("<{name}>")).unwrap();
    rest.split_once("</").unwrap().0
}

/// Keys as Amazon lends them, by MinIO's own `AssumeRole`: good with their token, and with no other.
#[test]
fn keys_that_are_lent_need_their_token() {
    let Some(mut bucket) = Bucket::new(json!({})) else {
        return;
    };
    bucket.mc(&["mb", "BUCKET"]).unwrap();
    let (user, secret) = (bucket.name.clone(), "of-a-user-alone");
    bucket
        .mc(&["admin", "user", "add", "it", &user, secret])
        .unwrap();
    let attach = [
        "admin",
        "policy",
        "attach",
        "it",
        "readwrite",
        "--user",
        &user,
    ];
    bucket.mc(&attach).unwrap();
    let lent = run(Command::new("curl")
        .args(["-sS", "--fail", "--aws-sigv4", "aws:amz:us-east-1:sts"])
        .args(["--user", &format!("{user}:{secret}")])
        .args([
            "-d",
            "Action=AssumeRole&Version=2011-06-15&DurationSeconds=3600",
        ])
        .arg(&bucket.endpoint));
    let owner = (bucket.key.clone(), bucket.secret.clone());
    bucket.key = tagged(&lent, "AccessKeyId").to_owned();
    bucket.secret = tagged(&lent, "SecretAccessKey").to_owned();
    let token = tagged(&lent, "SessionToken");
    let endpoint = format!("endpoint={}", bucket.endpoint);
    let good = write(&bucket, &endpoint, &[("AWS_SESSION_TOKEN", token)]);
    assert!(good.status.success(), "{}", stderr(&good));
    for wrong in [&[][..], &[("AWS_SESSION_TOKEN", "another")]] {
        let refused = write(&bucket, &endpoint, wrong);
        let said = stderr(&refused);
        assert!(!refused.status.success());
        assert!(said.contains("credentials are refused"), "{said}");
        assert!(!said.contains(&bucket.secret), "{said}");
    }
    (bucket.key, bucket.secret) = owner;
    assert_eq!(lines(&bucket), 100);
    bucket.mc(&["admin", "user", "rm", "it", &user]).unwrap();
}

/// The bucket as part of the host's name, as Amazon wants it. No such name leads anywhere here, so requests
/// go to the server as to a proxy, which answers them itself.
#[test]
fn a_bucket_may_be_part_of_the_hosts_name() {
    let Some(server) = Server::of_domain("s3.test") else {
        return;
    };
    let bucket = server.bucket(json!({}));
    let endpoint = server.address.replace("127.0.0.1", "s3.test");
    let proxy = [("http_proxy", server.address.as_str())];
    let more = format!("endpoint={endpoint}&path_style=false");
    // The first makes the bucket, the second finds it.
    for records in [100, 200] {
        let written = write(&bucket, &more, &proxy);
        assert!(written.status.success(), "{}", stderr(&written));
        assert_eq!(lines(&bucket), records);
    }
}
