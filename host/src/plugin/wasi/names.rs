//! Which interfaces there are, and what each of them gives.

use semver::Version;

/// Interface and what it gives, as `wellhead plugin inspect` says it.
const GIVEN: [(&str, &str); 18] = [
    ("wasi:io/error", "types alone"),
    (
        "wasi:io/poll",
        "waiting returns at once and moves the monotonic clock",
    ),
    ("wasi:io/streams", "standard input and output alone"),
    (
        "wasi:clocks/wall-clock",
        "virtual: stands at the event time at which the run begins",
    ),
    (
        "wasi:clocks/monotonic-clock",
        "virtual: moves by waiting alone, which returns at once",
    ),
    ("wasi:random/random", RANDOM),
    ("wasi:random/insecure", RANDOM),
    ("wasi:random/insecure-seed", "from seed and stream"),
    (
        "wasi:cli/environment",
        "empty: no variables, arguments or folder",
    ),
    ("wasi:cli/exit", "ends the emulation as a trap does"),
    ("wasi:cli/stdin", "empty"),
    ("wasi:cli/stdout", "lines of the log, at level info"),
    ("wasi:cli/stderr", "lines of the log, at level warn"),
    ("wasi:cli/terminal-input", TERMINAL),
    ("wasi:cli/terminal-output", TERMINAL),
    ("wasi:cli/terminal-stdin", TERMINAL),
    ("wasi:cli/terminal-stdout", TERMINAL),
    ("wasi:cli/terminal-stderr", TERMINAL),
];
const RANDOM: &str =
    "from seed and stream until `open` returns, and the same at every draw after that";
const TERMINAL: &str = "nothing is a terminal";

/// Those that runtimes link and generators have no use for: they are there, and nothing is behind them.
const CLOSED: [(&str, &str); 9] = [
    ("wasi:filesystem/types", NO_FILES),
    ("wasi:filesystem/preopens", NO_FILES),
    ("wasi:sockets/network", NO_NETWORK),
    ("wasi:sockets/instance-network", NO_NETWORK),
    ("wasi:sockets/udp", NO_NETWORK),
    ("wasi:sockets/udp-create-socket", NO_NETWORK),
    ("wasi:sockets/tcp", NO_NETWORK),
    ("wasi:sockets/tcp-create-socket", NO_NETWORK),
    ("wasi:sockets/ip-name-lookup", NO_NETWORK),
];
const NO_FILES: &str = "closed: there are no files";
const NO_NETWORK: &str = "closed: every call is denied, there is no network";

/// Why an interface of WASI isn't given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// Another version of WASI.
    Version,
    /// HTTP.
    Http,
    /// Anything else.
    Other,
}

impl Refused {
    /// What to do about it.
    pub fn hint(self) -> &'static str {
        match self {
            Refused::Version => "this host serves WASI 0.2: build it for that",
            Refused::Http => {
                "a generator has no network: build it without that (`componentize-js -d http -d fetch-event`)"
            }
            Refused::Other => {
                "of WASI there are clocks, randomness and standard output alone: build it without that"
            }
        }
    }
}

/// Whether an import is one of WASI that is given; none where it isn't of WASI at all.
pub fn check(name: &str) -> Option<Result<(), Refused>> {
    let rest = name.strip_prefix("wasi:")?;
    if rest.starts_with("http/") {
        return Some(Err(Refused::Http));
    }
    let (interface, version) = name.split_once('@').unwrap_or((name, ""));
    let served = Version::parse(version)
        .is_ok_and(|found| (found.major, found.minor) == (0, 2) && found.pre.is_empty());
    Some(match (find(interface), served) {
        (None, _) => Err(Refused::Other),
        (Some(_), false) => Err(Refused::Version),
        (Some(_), true) => Ok(()),
    })
}

/// What an import gives, if it is one of WASI that is given.
pub fn gets(name: &str) -> Option<&'static str> {
    find(name.split('@').next().unwrap_or(name))
}

fn find(interface: &str) -> Option<&'static str> {
    let mut all = GIVEN.iter().chain(&CLOSED);
    all.find(|(name, _)| *name == interface)
        .map(|(_, gets)| *gets)
}

/// What it says of an import that nothing is behind.
pub(super) fn closed(name: &str) -> Option<&'static str> {
    let interface = name.split('@').next().unwrap_or(name);
    let mut all = CLOSED.iter();
    all.find(|(name, _)| *name == interface)
        .map(|(_, gets)| *gets)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_version_of_0_2_is_served() {
        for version in ["0.2.0", "0.2.3", "0.2.12"] {
            for interface in ["io/poll", "clocks/wall-clock", "sockets/tcp", "cli/stdout"] {
                let name = format!("wasi:{interface}@{version}");
                assert_eq!(check(&name), Some(Ok(())), "{name}");
                assert!(gets(&name).is_some());
            }
        }
        assert_eq!(check("wellhead:generator/log@1.0.0"), None);
        for version in ["", "@0.3.0", "@0.2.0-rc-2023-11-10", "@1.0.0", "@latest"] {
            let name = format!("wasi:io/poll{version}");
            assert_eq!(check(&name), Some(Err(Refused::Version)), "{name}");
        }
        assert_eq!(check("wasi:http/types@0.2.3"), Some(Err(Refused::Http)));
        assert_eq!(check("wasi:nn/graph@0.2.0"), Some(Err(Refused::Other)));
        assert!(
            closed("wasi:sockets/udp@0.2.9").is_some() && closed("wasi:io/poll@0.2.9").is_none()
        );
    }
}
