//! Finds the stock generators' components and makes them part of the program.

use std::fmt::Write as _;
use std::path::PathBuf;
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

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=../wit/generator.wit");
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let folders = folders(&out);
    let mut table = String::from("static STOCK: &[(&str, &[u8])] = &[\n");
    for name in STOCK {
        let file = format!("{name}.wasm.zst");
        let Some(path) = folders
            .iter()
            .map(|folder| folder.join(&file))
            .find(|path| path.is_file())
        else {
            // Looked for again by the next build, since these files don't exist.
            for folder in &folders {
                println!("cargo::rerun-if-changed={}", folder.join(&file).display());
            }
            println!(
                "cargo::error=the stock generator `{name}` has not been built: type `make plugins` first"
            );
            return Ok(());
        };
        println!("cargo::rerun-if-changed={}", path.display());
        let kept = out.join(&file);
        fs::copy(&path, &kept)?;
        writeln!(table, "    ({name:?}, include_bytes!({kept:?})),")?;
    }
    table.push_str("];\n");
    fs::write(out.join("stock.rs"), table)?;
    Ok(())
}

/// Where `plugins/build.sh` may have put them: the target folder in use, or that of the checkout.
fn folders(out: &std::path::Path) -> Vec<PathBuf> {
    // OUT_DIR is TARGET/[TRIPLE/]PROFILE/build/NAME/out.
    let above = out.ancestors().skip(4).take(2).map(PathBuf::from);
    let checkout = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../target");
    above
        .chain([checkout])
        .map(|target| target.join("plugins"))
        .collect()
}
