//! JavaScript and TypeScript: npm has the tools, and `npm run build` says what they do: they leave a bundle, of which
//! the component is made here.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::build::{text, wrap_made, written};
use super::tool::{self, Tool};
use super::{ProjectError, javascript};

/// Packages that a generator's own would be taken for.
pub(super) const REFUSED: &[&str] = &["node_modules", "esbuild", "typescript"];

const NODE: Tool = Tool {
    names: &["node", "nodejs"],
    title: "Node.js",
    version: &["--version"],
    least: (20, 0),
    how: "see https://nodejs.org, or on Debian 13, as root, `apt-get install nodejs npm`",
};
const NPM: Tool = Tool {
    names: &["npm"],
    title: "npm",
    version: &["--version"],
    least: (9, 0),
    how: "it comes with Node.js; on Debian, as root, `apt-get install npm`",
};

/// What npm, pnpm and yarn write into `node_modules` once all is there.
const INSTALLED: [&str; 3] = [".package-lock.json", ".modules.yaml", ".yarn-integrity"];
/// What `wellhead-js bundle` writes.
const BUNDLE: &str = "build/bundle.js";

/// Installs what the folder's manifest asks for, where that isn't there yet, and builds.
pub(super) fn build(folder: &Path) -> Result<PathBuf, ProjectError> {
    NODE.find()?;
    let npm = NPM.find()?;
    let manifest = text(folder, "package.json")?;
    let manifest: Value = serde_json::from_str(&manifest).map_err(ProjectError::manifest::<
        serde_json::Error,
    >(folder, "package.json"))?;
    let name = name(&manifest).ok_or_else(|| ProjectError::NoName(folder.join("package.json")))?;
    if !INSTALLED
        .iter()
        .any(|file| folder.join("node_modules").join(file).is_file())
    {
        eprintln!("installing the packages of {}, once", folder.display());
        let kind = match folder.join("package-lock.json").is_file() {
            true => "ci",
            false => "install",
        };
        let mut install = tool::command(&npm, folder);
        install.args([kind, "--no-audit", "--no-fund", "--loglevel=error"]);
        tool::run(&mut install, folder)?;
    }
    let bundle = folder.join(BUNDLE);
    // So that what is there afterwards is of now.
    let _ = fs::remove_file(&bundle);
    let mut build = tool::command(&npm, folder);
    tool::run(build.args(["run", "--silent", "build"]), folder)?;
    if !bundle.is_file() {
        // Another tool's, such as componentize-js, which makes the component itself.
        return written(folder, &name);
    }
    wrap_made(folder, &name, &bundle, &javascript::module(&bundle)?)
}

/// The package's name, without the scope before it.
fn name(manifest: &Value) -> Option<String> {
    let name = manifest["name"].as_str()?;
    let name = name.rsplit('/').next()?;
    (!name.is_empty()).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_package_is_called_without_its_scope() {
        let name = |manifest: Value| name(&manifest).unwrap_or_default();
        assert_eq!(name(json!({"name": "@acme/meter"})), "meter");
        assert_eq!(name(json!({"name": "meter"})), "meter");
        assert_eq!(name(json!({})), "");
    }
}
