//! Records whose fields try to be more than a part of a topic.

use serde_json::json;

use super::Subscriber;
use super::broker::unique;
use crate::common::{Sandbox, service};
use crate::sink::replayed;

#[test]
fn fields_make_no_wildcards_and_leave_no_prefix() {
    let Some(host) = service("WELLHEAD_TEST_MQTT") else {
        return;
    };
    for version in ["3.1.1", "5"] {
        let (sandbox, prefix) = (Sandbox::new(), unique("fields"));
        let subscriber = Subscriber::start(&host, &format!("{prefix}/#"), "%t|%p");
        let long = "l".repeat(70_000);
        let refused = ["#", "a/+/b", "nul\u{0}", &long];
        let taken = ["fine", "../../$SYS/broker", "a b", ""];
        let all = [&refused[..], &taken].concat();
        let block = json!({"type": "mqtt", "host": host, "version": version, "qos": 1,
            "topic": format!("{prefix}/{{who}}")});
        let report = replayed(&sandbox, &all, &block);
        assert_eq!(report["records"]["acknowledged"], taken.len(), "{report:#}");
        assert_eq!(report["records"]["rejected"], refused.len(), "{report:#}");
        let rejected = std::fs::read_to_string(sandbox.path("rejected.ndjson")).unwrap();
        assert_eq!(rejected.matches("can't be a topic").count(), refused.len());
        let found = subscriber.lines(taken.len());
        let topic = |line: &String| line.split('|').next().unwrap().to_owned();
        let mut found: Vec<String> = found.iter().map(topic).collect();
        found.sort_unstable();
        let mut wanted = taken.map(|who| format!("{prefix}/{who}"));
        wanted.sort_unstable();
        assert_eq!(found, wanted);
    }
}
