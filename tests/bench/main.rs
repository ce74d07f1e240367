//! `make bench`: how fast wellhead is, as ratios of one run.
//!
//! A ratio travels from machine to machine and a figure doesn't, so that hardly a target is a
//! figure, and none is asserted: the table says which are reached. Names of groups as arguments
//! (`make bench BENCH='generate kafka'`) leave out the others.

mod ceiling;
mod generate;
mod guest;
mod http;
mod kafka;
mod languages;
mod lateness;
mod measure;
mod mqtt;
mod parquet;
mod pipeline;
mod postgres;
mod program;
mod replay;
mod resume;
mod s3;
mod server;
mod stall;
mod start;
mod streams;
mod table;
mod upload;
mod verify;

use std::process::ExitCode;

use measure::Outcome;
use table::Row;

/// The program's: what is measured here is what it would do.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Rows that are measured together.
struct Group {
    name: &'static str,
    what: &'static str,
    run: fn() -> Outcome<Vec<Row>>,
}

const GROUPS: [Group; 16] = [
    Group {
        name: "generate",
        what: "components against the same source compiled natively",
        run: generate::rows,
    },
    Group {
        name: "languages",
        what: "a generator in each language against the same in C",
        run: languages::rows,
    },
    Group {
        name: "pipeline",
        what: "the whole host into null against bare calls of the component",
        run: pipeline::rows,
    },
    Group {
        name: "http",
        what: "the HTTP sink against oha and wrk",
        run: http::rows,
    },
    Group {
        name: "kafka",
        what: "the Kafka sink against a bare loop over its client",
        run: kafka::rows,
    },
    Group {
        name: "mqtt",
        what: "the MQTT sink against mosquitto_pub",
        run: mqtt::rows,
    },
    Group {
        name: "postgres",
        what: "the PostgreSQL sink against psql",
        run: postgres::rows,
    },
    Group {
        name: "s3",
        what: "the S3 sink against mc and a bare upload, Parquet against arrow",
        run: s3::rows,
    },
    Group {
        name: "lateness",
        what: "release against the due instant",
        run: lateness::rows,
    },
    Group {
        name: "streams",
        what: "a thousand streams against one",
        run: streams::rows,
    },
    Group {
        name: "stall",
        what: "memory while nobody takes what is generated",
        run: stall::rows,
    },
    Group {
        name: "resume",
        what: "checkpoints at full speed, and the ways back of a generator",
        run: resume::rows,
    },
    Group {
        name: "start",
        what: "the second start of a stock generator",
        run: start::rows,
    },
    Group {
        name: "verify",
        what: "verify against generating and reading alone",
        run: verify::rows,
    },
    Group {
        name: "upload",
        what: "a stranger's generator, compiled in a child process and in this one",
        run: upload::rows,
    },
    Group {
        name: "server",
        what: "REST beside emulations, and emulations through the server",
        run: server::rows,
    },
];

fn main() -> ExitCode {
    // Cargo adds `--bench`.
    let wanted: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with("--"))
        .collect();
    for name in &wanted {
        if GROUPS.iter().all(|group| group.name != *name) {
            let known: Vec<_> = GROUPS.iter().map(|group| group.name).collect();
            eprintln!("no group is called {name}; there are: {}", known.join(", "));
            return ExitCode::from(2);
        }
    }
    let mut rows = Vec::new();
    let mut status = ExitCode::SUCCESS;
    for group in &GROUPS {
        if !wanted.is_empty() && wanted.iter().all(|name| name != group.name) {
            continue;
        }
        eprintln!("bench: {}: {}", group.name, group.what);
        match (group.run)() {
            Ok(measured) => rows.extend(measured),
            Err(error) => {
                eprintln!("bench: {}: {error}", group.name);
                rows.push(Row::beside(group.name, "not measured, see above"));
                status = ExitCode::FAILURE;
            }
        }
    }
    table::print(&rows);
    status
}
