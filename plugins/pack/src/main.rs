//! `wellhead-pack IN.wasm OUT.wasm [--zstd OUT.wasm.zst]`: wraps a core module into a component.
//! `wellhead-pack --core IN.wasm --zstd OUT.wasm.zst`: only compresses it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{env, fs, io};

use wellhead_pack::{WrapError, wrap};

const USAGE: &str = "usage: wellhead-pack IN.wasm OUT.wasm [--zstd OUT.wasm.zst]
       wellhead-pack --core IN.wasm --zstd OUT.wasm.zst";

/// High enough that more would save little: the bytes are embedded in the host's binary.
const ZSTD_LEVEL: i32 = 19;

#[derive(Debug, thiserror::Error)]
enum PackError {
    #[error("{0}\n{USAGE}")]
    Usage(String),
    #[error("cannot read {path}: {cause}")]
    Read { path: PathBuf, cause: io::Error },
    #[error("{path}: {cause}")]
    Wrap { path: PathBuf, cause: WrapError },
    #[error("cannot compress: {0}")]
    Compress(io::Error),
    #[error("cannot write {path}: {cause}")]
    Write { path: PathBuf, cause: io::Error },
}

struct Arguments {
    input: PathBuf,
    /// Where the component goes; none where only the module is compressed.
    output: Option<PathBuf>,
    zstd: Option<PathBuf>,
}

fn main() -> ExitCode {
    match parse(env::args_os().skip(1)).and_then(|arguments| pack(&arguments)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("wellhead-pack: {error}");
            match error {
                PackError::Usage(_) => ExitCode::from(2),
                _ => ExitCode::FAILURE,
            }
        }
    }
}

fn parse(mut arguments: impl Iterator<Item = OsString>) -> Result<Arguments, PackError> {
    let mut files = Vec::new();
    let mut zstd = None;
    let mut core = false;
    while let Some(argument) = arguments.next() {
        if argument == "--zstd" {
            let path = arguments
                .next()
                .ok_or_else(|| PackError::Usage("--zstd needs a file name".to_owned()))?;
            zstd = Some(PathBuf::from(path));
        } else if argument == "--core" {
            core = true;
        } else if argument.to_string_lossy().starts_with("--") {
            let name = argument.to_string_lossy().into_owned();
            return Err(PackError::Usage(format!("unknown option {name}")));
        } else {
            files.push(PathBuf::from(argument));
        }
    }
    let count = files.len();
    let mut files = files.into_iter();
    match (files.next(), files.next(), files.next()) {
        (Some(input), output, None) if output.is_none() == core && (zstd.is_some() || !core) => {
            Ok(Arguments {
                input,
                output,
                zstd,
            })
        }
        _ => Err(PackError::Usage(format!(
            "{count} file names were given, and that isn't what is needed"
        ))),
    }
}

fn pack(arguments: &Arguments) -> Result<(), PackError> {
    let module = fs::read(&arguments.input).map_err(|cause| PackError::Read {
        path: arguments.input.clone(),
        cause,
    })?;
    let packed = match &arguments.output {
        None => module,
        Some(_) => wrap(&module).map_err(|cause| PackError::Wrap {
            path: arguments.input.clone(),
            cause,
        })?,
    };
    if let Some(path) = &arguments.zstd {
        let compressed = zstd::bulk::compress(&packed, ZSTD_LEVEL).map_err(PackError::Compress)?;
        write(path, &compressed)?;
    }
    match &arguments.output {
        Some(path) => write(path, &packed),
        None => Ok(()),
    }
}

/// Writes beside the file and renames, so that a build that is interrupted leaves no half file
/// which the next one takes for done.
fn write(path: &Path, bytes: &[u8]) -> Result<(), PackError> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".part");
    let beside = PathBuf::from(beside);
    fs::write(&beside, bytes)
        .and_then(|()| fs::rename(&beside, path))
        .map_err(|cause| PackError::Write {
            path: path.to_owned(),
            cause,
        })
}
