//! Manifests of shards, made into the manifest of the whole.

use serde_json::Value;

use super::VerifyError;
use super::rerun::identity;
use crate::emulation::manifest::{Identity, Manifest, Timings, canonical};

/// The manifest of all shards together: identity and streams are those of a run in one piece.
///
/// # Errors
/// Where they aren't of one run: what differs, which streams are there twice, which aren't there.
pub fn merge(manifests: &[(String, Manifest)]) -> Result<Manifest, VerifyError> {
    let Some((first_name, first)) = manifests.first() else {
        return Err(VerifyError::Merge("there is nothing to merge".to_owned()));
    };
    let read = |manifest| identity(manifest).map_err(|e| VerifyError::Merge(e.to_string()));
    let mut whole = read(first)?;
    let bare = without_streams(first);
    let mut owners: Vec<Option<&str>> = vec![None; whole.streams as usize];
    whole.streams_generated.clear();
    for (name, manifest) in manifests {
        if let Some(what) = difference("", &bare, &without_streams(manifest)) {
            return Err(VerifyError::Merge(format!(
                "{first_name} and {name} aren't of one run: {what}"
            )));
        }
        for stream in read(manifest)?.streams_generated {
            match owners.get_mut(stream.index as usize) {
                Some(owner @ None) => *owner = Some(name),
                Some(Some(owner)) => {
                    return Err(VerifyError::Merge(format!(
                        "stream {} is both in {owner} and in {name}: give each shard once",
                        stream.index
                    )));
                }
                None => {
                    return Err(VerifyError::Merge(format!(
                        "{name} has stream {}, but the run has {} streams",
                        stream.index, whole.streams
                    )));
                }
            }
            whole.streams_generated.push(stream);
        }
    }
    complete(&owners)?;
    whole.streams_generated.sort_by_key(|stream| stream.index);
    seal(&whole, manifests)
}

fn complete(owners: &[Option<&str>]) -> Result<(), VerifyError> {
    let gone: Vec<String> = (0..owners.len())
        .filter(|&stream| owners[stream].is_none())
        .map(|stream| stream.to_string())
        .collect();
    if gone.is_empty() {
        return Ok(());
    }
    let shown = gone.iter().take(20).cloned().collect::<Vec<_>>().join(", ");
    Err(VerifyError::Merge(format!(
        "{} of {} streams are in none of the manifests ({shown}{}): a shard is missing",
        gone.len(),
        owners.len(),
        if gone.len() > 20 { ", …" } else { "" }
    )))
}

fn seal(whole: &Identity, manifests: &[(String, Manifest)]) -> Result<Manifest, VerifyError> {
    let timings = manifests.iter().map(|(_, manifest)| &manifest.timings);
    let mut runs: Vec<&str> = timings.clone().map(|t| t.run.as_str()).collect();
    runs.dedup();
    let started = timings.clone().map(|t| t.started.as_str()).min();
    let timings = Timings {
        run: runs.join("+"),
        host: timings
            .clone()
            .map(|t| t.host.clone())
            .next()
            .unwrap_or_default(),
        started: started.unwrap_or_default().to_owned(),
        due: Value::Array(timings.clone().map(|t| t.due.clone()).collect()),
        live_from: timings.clone().filter_map(|t| t.live_from.clone()).max(),
        released_below: timings.filter_map(|t| t.released_below).min(),
    };
    Manifest::seal(whole, timings).map_err(|e| VerifyError::Merge(e.to_string()))
}

fn without_streams(manifest: &Manifest) -> Value {
    let mut identity = canonical(&manifest.identity);
    if let Value::Object(map) = &mut identity {
        map.shift_remove("streams_generated");
    }
    identity
}

/// The first value that differs, and how.
fn difference(path: &str, a: &Value, b: &Value) -> Option<String> {
    match (a, b) {
        _ if a == b => None,
        (Value::Object(x), Value::Object(y)) => {
            let names = x
                .keys()
                .chain(y.keys().filter(|name| !x.contains_key(*name)));
            names.into_iter().find_map(|name| {
                let inner = |map: &serde_json::Map<String, Value>| {
                    map.get(name).cloned().unwrap_or(Value::Null)
                };
                let path = match path {
                    "" => name.clone(),
                    path => format!("{path}.{name}"),
                };
                difference(&path, &inner(x), &inner(y))
            })
        }
        _ => Some(format!("{path} is {a} in the one and {b} in the other")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::emulation::manifest::StreamHash;
    use serde_json::json;

    fn shard(seed: u64, streams: &[u32]) -> Manifest {
        let identity = Identity {
            generator: "g".to_owned(),
            version: "1.0.0".to_owned(),
            component: "ab".to_owned(),
            config: json!({}),
            assets: [].into(),
            seed,
            streams: 3,
            spec: json!({"generator": "g"}),
            segments: json!([]),
            functions: [].into(),
            streams_generated: streams
                .iter()
                .map(|&index| StreamHash {
                    index,
                    records: 5,
                    xxh3_128: format!("{index:032x}"),
                })
                .collect(),
        };
        let timings = Timings {
            run: "r".to_owned(),
            host: "1".to_owned(),
            started: format!("2024-01-0{}", streams.len()),
            due: json!([]),
            live_from: None,
            released_below: None,
        };
        Manifest::seal(&identity, timings).unwrap()
    }

    fn merged(shards: &[Manifest]) -> Result<Manifest, String> {
        let named = shards.iter().enumerate();
        let named: Vec<_> = named.map(|(n, m)| (format!("m{n}"), m.clone())).collect();
        merge(&named).map_err(|e| e.to_string())
    }

    #[test]
    fn shards_make_the_whole_in_any_order() {
        let whole = shard(1, &[0, 1, 2]);
        let made = merged(&[shard(1, &[2]), shard(1, &[0, 1])]).unwrap();
        assert_eq!(made.identity.to_string(), whole.identity.to_string());
        assert_eq!((made.digest, made.streams), (whole.digest, whole.streams));
    }

    #[test]
    fn what_does_not_fit_is_named() {
        for (shards, said) in [
            (
                vec![shard(1, &[0]), shard(2, &[1, 2])],
                "seed is 1 in the one and 2",
            ),
            (
                vec![shard(1, &[0, 1]), shard(1, &[1, 2])],
                "stream 1 is both in m0 and in m1",
            ),
            (
                vec![shard(1, &[0]), shard(1, &[2])],
                "1 of 3 streams are in none",
            ),
            (
                vec![shard(1, &[0, 1, 2, 3])],
                "has stream 3, but the run has 3",
            ),
        ] {
            let error = merged(&shards).unwrap_err();
            assert!(error.contains(said), "{error}");
        }
    }
}
