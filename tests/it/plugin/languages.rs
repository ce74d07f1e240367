//! A generator's way in each language: new, build, test, upload to a running server, an emulation to Kafka. All of
//! them are the same example, so what arrives has to be the same, byte for byte.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use crate::api::client::Served;
use crate::common::{Sandbox, fixture, program, service, stderr, wait};

/// Where all begin, and how long they go on.
const EMULATION: &str = "config: {vehicles: 12}, seed: 7, streams: 3, load: max, \
     clock: {start: 2024-01-01T00:00:00Z}, until: {records: 3000}";

/// The command, where what cargo compiles is kept from one run of the tests to the next.
pub fn command(sandbox: &Sandbox, arguments: &[&str]) -> Command {
    let target = program().ancestors().nth(2).unwrap().join("projects");
    let mut command = sandbox.command(arguments);
    command.env("CARGO_TARGET_DIR", target);
    command
}

/// Runs it, and gives what it printed and said.
pub fn run(sandbox: &Sandbox, status: i32, arguments: &[&str]) -> (String, String) {
    let output = wait(command(sandbox, arguments).spawn().unwrap());
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(status), "{arguments:?}: {said}");
    (String::from_utf8(output.stdout).unwrap(), said)
}

/// Writes a generator of that name, and builds it.
fn built(sandbox: &Sandbox, language: &str, name: &str) -> PathBuf {
    run(sandbox, 0, &["plugin", "new", name, "--lang", language]);
    run(sandbox, 0, &["plugin", "build", name]);
    sandbox.path(&format!("{name}/{name}.wasm"))
}

/// Messages of a topic with their keys. Streams that go at full speed are released in no order among each other.
fn messages(brokers: &str, topic: &str) -> Vec<String> {
    let arguments = [
        "-b", brokers, "-t", topic, "-C", "-e", "-q", "-f", "%k %s\n",
    ];
    let Output { status, stdout, .. } = Command::new("kcat").args(arguments).output().unwrap();
    assert!(status.success());
    let text = String::from_utf8(stdout).unwrap();
    let mut messages: Vec<String> = text.lines().map(str::to_owned).collect();
    messages.sort();
    messages
}

/// The tests that a new folder has, by the command of its README; Rust's are run with the workspace's.
fn passes_its_own_tests(language: &str, folder: &Path) {
    let command = match language {
        "js" | "ts" => "npm test",
        "python" => ".venv/bin/python -m unittest",
        "go" => "go test .",
        "c" => "cc @compile_flags.txt test.c -o test && ./test",
        _ => return,
    };
    passes(command, folder);
}

/// A command of people, in a folder.
fn passes(command: &str, folder: &Path) {
    let mut shell = Command::new("sh");
    shell.args(["-c", command]).current_dir(folder);
    let shell = shell.stdin(Stdio::null()).stdout(Stdio::piped());
    let output = wait(shell.stderr(Stdio::piped()).spawn().unwrap());
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{command}: {printed}{}",
        stderr(&output)
    );
}

fn follows_the_way(language: &str) {
    let (Some(brokers), Some(_)) = (
        service("WELLHEAD_TEST_KAFKA"),
        service("WELLHEAD_TEST_LANGUAGES"),
    ) else {
        return;
    };
    let sandbox = Sandbox::new();
    let component = built(&sandbox, language, "meter");
    let path = component.to_str().unwrap();
    run(&sandbox, 0, &["plugin", "test", path, "--records", "1500"]);
    passes_its_own_tests(language, component.parent().unwrap());

    let settings = format!("[connections.broker]\ntype = 'kafka'\nbrokers = ['{brokers}']\n");
    sandbox.write("settings.toml", &settings);
    let served = Served::with(&sandbox, &["--settings", "settings.toml"]);
    let said = served.upload(&std::fs::read(&component).unwrap()).json(201);
    assert_eq!(said["name"], "meter", "{said}");
    // The example itself, as it is known to be right.
    served.upload(&fixture("vehicle-telemetry")).json(201);
    let topic = |generator: &str| format!("{language}-{}-{generator}", std::process::id());
    for generator in ["meter", "vehicle-telemetry"] {
        let topic = topic(generator);
        let sink = format!(
            "{{type: kafka, connection: broker, topic: '{topic}.{{channel}}', partitions: 1}}"
        );
        let spec = format!("{{generator: {generator}, {EMULATION}, sinks: [{sink}]}}");
        let status = served.until_state(&served.start_one(&spec), "finished");
        assert_eq!(status["records"]["acknowledged"], 3000, "{status}");
    }
    let mut count = 0;
    for channel in ["position", "alert"] {
        let of = |generator| messages(&brokers, &format!("{}.{channel}", topic(generator)));
        let (own, rust) = (of("meter"), of("vehicle-telemetry"));
        let mut both = own.iter().zip(&rust);
        let differs = both.find(|(own, rust)| own != rust);
        assert_eq!(differs, None, "{language}, and Rust");
        assert!(own.len() > 10, "{channel}");
        count += own.len();
    }
    assert_eq!(count, 3000);
}

macro_rules! languages {
    ($($test:ident: $language:literal;)*) => { $(
        #[test]
        fn $test() {
            follows_the_way($language);
        }
    )* };
}

languages! {
    one_in_rust: "rust";
    one_in_javascript: "js";
    one_in_typescript: "ts";
    one_in_python: "python";
    one_in_go: "go";
    one_in_c: "c";
}

/// The SDKs' own tests: the published vectors, writers, errors.
#[test]
fn sdks_hold_by_themselves() {
    if service("WELLHEAD_TEST_LANGUAGES").is_none() {
        return;
    }
    let plugins = Path::new(env!("CARGO_MANIFEST_DIR")).join("../plugins");
    let built = tempfile::tempdir().unwrap();
    let test = built.path().join("test");
    let c = format!(
        "cc -std=c11 -I. test.c -o {0} && {0} ../vectors.json",
        test.display()
    );
    let python = "PYTHONDONTWRITEBYTECODE=1 python3 -m unittest discover -s tests";
    // What a component has in C, on this machine.
    let module = format!(
        "cc -O1 -g -shared -fPIC -fvisibility=hidden ../python/module.c -o {0}/_wellhead.so && \
         WELLHEAD_TEST_NATIVE=1 PYTHONPATH={0} {python}",
        built.path().display()
    );
    for (sdk, command) in [
        ("sdk-c", c.as_str()),
        ("sdk-go", "go test ."),
        ("sdk-js", "node --test test/*.test.js"),
        ("sdk-python", python),
        ("sdk-python", &module),
    ] {
        passes(command, &plugins.join(sdk));
    }
}

/// What is missing is said, with how to get it.
#[test]
fn tools_that_are_missing_are_named() {
    let sandbox = Sandbox::new();
    let empty = sandbox.path("empty");
    std::fs::create_dir(&empty).unwrap();
    for (language, named) in [
        ("js", "Node.js isn't installed"),
        ("ts", "https://nodejs.org"),
        ("python", "apt-get install python3 python3-venv"),
        ("go", "https://go.dev/dl"),
        ("c", "apt-get install clang-22 lld-22"),
    ] {
        let folder = format!("in-{language}");
        run(&sandbox, 0, &["plugin", "new", &folder, "--lang", language]);
        let mut build = command(&sandbox, &["plugin", "build", &folder]);
        let output = wait(build.env("PATH", &empty).spawn().unwrap());
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(named), "{said}");
    }
}
