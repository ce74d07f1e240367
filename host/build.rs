//! Finds the stock generators' components, and what `plugin new` writes, and makes them part of the program.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

/// Made by `plugins/build.sh`.
const STOCK: [&str; 7] = [
    "transaction",
    "device-log",
    "user-profile",
    "machine-signal",
    "iot-sensor",
    "replay",
    "template",
];

/// What new generators' folders are made of: files, and folders with all in them.
const PROJECT: [&str; 10] = [
    "Cargo.lock",
    "Cargo.toml",
    "examples/generators",
    "plugins/sdk/Cargo.toml",
    "plugins/sdk/src",
    "plugins/sdk-c",
    "plugins/sdk-go",
    "plugins/sdk-js",
    "plugins/sdk-python",
    "wit",
];

/// Folders that are no part of it: what tools have made there by hand, and the SDKs' own tests.
const LEFT_OUT: [&str; 6] = [
    "target",
    "node_modules",
    "dist",
    "__pycache__",
    ".venv",
    "tests",
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    // Of this run: what was compiled in may be of another checkout with the same target folder.
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join("..");
    let out = PathBuf::from(env::var("OUT_DIR")?);
    project(&root, &out)?;
    let folders = folders(&out, &root);
    made_of_c("JAVASCRIPT", "javascript.wasm.zst", &folders, &out)?;
    made_of_c("PYTHON", "python.so", &folders, &out)?;
    let mut table = String::from("static STOCK: &[(&str, &[u8])] = &[\n");
    for name in STOCK {
        let Some(kept) = kept(&format!("{name}.wasm.zst"), &folders, &out)? else {
            println!(
                "cargo::error=the stock generator `{name}` has not been built: type `make plugins` first"
            );
            return Ok(());
        };
        writeln!(table, "    ({name:?}, include_bytes!({kept:?})),")?;
    }
    table.push_str("];\n");
    fs::write(out.join("stock.rs"), table)?;
    Ok(())
}

/// JavaScript's engine and Python's module, which aren't there where there was no clang.
fn made_of_c(
    name: &str,
    file: &str,
    folders: &[PathBuf],
    out: &Path,
) -> Result<(), Box<dyn std::error::Error>> {
    let bytes = match kept(file, folders, out)? {
        Some(kept) => format!("Some(include_bytes!({kept:?}))"),
        None => "None".to_owned(),
    };
    let table = format!("static {name}: Option<&[u8]> = {bytes};\n");
    fs::write(out.join(format!("{}.rs", name.to_lowercase())), table)?;
    Ok(())
}

/// A copy of what `plugins/build.sh` has put into one of the folders.
fn kept(file: &str, folders: &[PathBuf], out: &Path) -> std::io::Result<Option<PathBuf>> {
    let mut paths = folders.iter().map(|folder| folder.join(file));
    let Some(path) = paths.find(|path| path.is_file()) else {
        // Looked for again by the next build, since these files don't exist.
        for folder in folders {
            println!("cargo::rerun-if-changed={}", folder.join(file).display());
        }
        return Ok(None);
    };
    println!("cargo::rerun-if-changed={}", path.display());
    let kept = out.join(file);
    fs::copy(&path, &kept)?;
    Ok(Some(kept))
}

/// Where `plugins/build.sh` may have put them: the target folder in use, or that of the checkout.
fn folders(out: &Path, root: &Path) -> Vec<PathBuf> {
    // OUT_DIR is TARGET/[TRIPLE/]PROFILE/build/NAME/out.
    let above = out.ancestors().skip(4).take(2).map(PathBuf::from);
    let checkout = root.join("target");
    above
        .chain([checkout])
        .map(|target| target.join("plugins"))
        .collect()
}

/// Makes a table of paths and texts.
fn project(root: &Path, out: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let mut files = Vec::new();
    for part in PROJECT {
        println!("cargo::rerun-if-changed={}", root.join(part).display());
        below(root, part, &mut files)?;
    }
    files.sort();
    let mut table = String::from("static FILES: &[(&str, &str)] = &[\n");
    for file in files {
        let path = root.join(&file).canonicalize()?;
        writeln!(table, "    ({file:?}, include_str!({path:?})),")?;
    }
    table.push_str("];\n");
    fs::write(out.join("project.rs"), table)?;
    Ok(())
}

fn below(root: &Path, path: &str, files: &mut Vec<String>) -> std::io::Result<()> {
    if root.join(path).is_file() {
        files.push(path.to_owned());
        return Ok(());
    }
    for entry in fs::read_dir(root.join(path))? {
        let name = entry?.file_name();
        let name = name.to_string_lossy();
        // An SDK has its tools in a folder of that name, an example what it was built into.
        let built = name == "build" && path.starts_with("examples");
        // The SDKs' tests read what a project doesn't have.
        let test = path.starts_with("plugins") && (name == "test.c" || name.ends_with("_test.go"));
        let left_out = built || test || LEFT_OUT.contains(&&*name) || name.ends_with(".wasm");
        if !left_out && name != "Cargo.lock" {
            below(root, &format!("{path}/{name}"), files)?;
        }
    }
    Ok(())
}
