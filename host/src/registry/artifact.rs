//! How a component lies in a registry: a manifest with one layer, which is the component.

use oci_client::manifest::{
    OCI_IMAGE_MEDIA_TYPE, OciDescriptor, OciImageIndex, OciImageManifest, OciManifest,
    WASM_LAYER_MEDIA_TYPE,
};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::error::{listed, printable};

/// Media type of a manifest.
pub(super) const MANIFEST: &str = OCI_IMAGE_MEDIA_TYPE;
/// Media type of a layer that is WebAssembly; `WASM_LAYER_MEDIA_TYPE` is what came before it.
const WASM: &str = "application/wasm";
/// Media type of what is said about it.
const CONFIG: &str = "application/vnd.wasm.config.v0+json";
/// How media types begin that container images are made of.
const IMAGES: [&str; 2] = ["application/vnd.oci.image.", "application/vnd.docker."];

/// What a published component says of itself where nobody has to load it.
#[derive(Clone, Debug)]
pub struct About {
    /// Of the generator.
    pub name: String,
    /// Of the generator.
    pub version: String,
    /// One sentence.
    pub summary: String,
    /// Interfaces that it imports.
    pub imports: Vec<String>,
    /// Interfaces that it exports.
    pub exports: Vec<String>,
}

/// The layer that is a component.
#[derive(Debug)]
pub(super) struct Layer {
    pub digest: String,
    pub size: u64,
}

/// The one layer of a manifest, or what there is in its place.
pub(super) fn layer(manifest: OciManifest) -> Result<Layer, String> {
    let image = match manifest {
        OciManifest::Image(image) => image,
        OciManifest::ImageIndex(index) => return Err(index_of(&index)),
    };
    let [layer] = image.layers.as_slice() else {
        return Err(instead(&image));
    };
    if ![WASM, WASM_LAYER_MEDIA_TYPE].contains(&layer.media_type.as_str()) {
        return Err(instead(&image));
    }
    let (true, Ok(size)) = (is_digest(&layer.digest), u64::try_from(layer.size)) else {
        return Err(format!(
            "a manifest whose layer has {} bytes and the digest `{}`",
            layer.size,
            printable(&layer.digest)
        ));
    };
    Ok(Layer {
        digest: layer.digest.clone(),
        size,
    })
}

/// It becomes part of an address.
fn is_digest(text: &str) -> bool {
    let digits = match text.split_once(':') {
        Some(("sha256", hex)) if hex.len() == 64 => hex,
        Some(("sha512", hex)) if hex.len() == 128 => hex,
        _ => return false,
    };
    digits.bytes().all(|b| b.is_ascii_hexdigit())
}

/// What a manifest is that has no component.
fn instead(image: &OciImageManifest) -> String {
    let kind = |descriptor: &OciDescriptor| format!("`{}`", printable(&descriptor.media_type));
    let layers = match image.layers.as_slice() {
        [] => "no layer".to_owned(),
        [only] => format!("one layer of media type {}", kind(only)),
        several => {
            let kinds = listed(several.iter().map(kind));
            format!("{} layers ({kinds})", several.len())
        }
    };
    let is_image = |kind: &String| IMAGES.iter().any(|begin| kind.starts_with(begin));
    let what = match is_image(&image.config.media_type) && image.artifact_type.is_none() {
        true => "a container image",
        false => "an artifact",
    };
    format!("{what} with {layers}")
}

fn index_of(index: &OciImageIndex) -> String {
    let platforms = index.manifests.iter().filter_map(|entry| {
        let platform = entry.platform.as_ref()?;
        let text = format!("{}/{}", platform.os, platform.architecture);
        Some(printable(&text))
    });
    let count = index.manifests.len();
    match listed(platforms) {
        platforms if platforms.is_empty() => format!("an index of {count} manifests"),
        platforms => format!("an index of {count} manifests for platforms ({platforms})"),
    }
}

/// Bytes with their digest.
pub(super) struct Blob {
    pub bytes: Vec<u8>,
    pub digest: String,
}

impl Blob {
    fn new(bytes: Vec<u8>) -> Blob {
        let digest = format!("sha256:{}", hex::encode(Sha256::digest(&bytes)));
        Blob { bytes, digest }
    }

    fn descriptor(&self, kind: &str) -> OciDescriptor {
        OciDescriptor {
            media_type: kind.to_owned(),
            digest: self.digest.clone(),
            size: i64::try_from(self.bytes.len()).unwrap_or(i64::MAX),
            ..OciDescriptor::default()
        }
    }
}

/// What is sent of a component: first the blobs, then the manifest that names them.
pub(super) struct Published {
    pub component: Blob,
    pub config: Blob,
    pub manifest: Blob,
}

/// The layout that the tools of WebAssembly have agreed on (`wkg`, and others through it).
pub(super) fn published(component: Vec<u8>, about: &About) -> Published {
    let component = Blob::new(component);
    // The instant is asked for there, and left out, so that the same component has the same manifest.
    let config = json!({
        "created": "1970-01-01T00:00:00Z",
        "architecture": "wasm",
        "os": "wasip2",
        "layerDigests": [component.digest],
        "component": {"exports": about.exports, "imports": about.imports, "target": null},
    });
    let config = Blob::new(config.to_string().into_bytes());
    let mut layer = component.descriptor(WASM);
    // The name of the file that tools make of it.
    let file = (
        "org.opencontainers.image.title".to_owned(),
        format!("{}.wasm", about.name),
    );
    layer.annotations = Some([file].into());
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": config.descriptor(CONFIG),
        "layers": [layer],
        "annotations": {
            "org.opencontainers.image.title": about.name,
            "org.opencontainers.image.version": about.version,
            "org.opencontainers.image.description": about.summary,
        },
    });
    Published {
        manifest: Blob::new(manifest.to_string().into_bytes()),
        component,
        config,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn found(manifest: Value) -> Result<Layer, String> {
        layer(serde_json::from_value(manifest).unwrap())
    }

    fn descriptor(kind: &str) -> Value {
        let digest = format!("sha256:{}", "ab".repeat(32));
        json!({"mediaType": kind, "digest": digest, "size": 5})
    }

    fn manifest(config: &str, layers: &[&str]) -> Value {
        let layers: Vec<_> = layers.iter().map(|kind| descriptor(kind)).collect();
        json!({"schemaVersion": 2, "config": descriptor(config), "layers": layers})
    }

    #[test]
    fn one_layer_of_webassembly_is_a_component() {
        for (config, kind) in [
            (CONFIG, WASM),
            ("application/vnd.unknown.config.v1+json", WASM),
            ("application/vnd.oci.empty.v1+json", WASM_LAYER_MEDIA_TYPE),
        ] {
            let layer = found(manifest(config, &[kind])).unwrap();
            assert_eq!((layer.size, layer.digest.len()), (5, 71));
        }
    }

    #[test]
    fn anything_else_is_said() {
        let image = "application/vnd.oci.image.config.v1+json";
        let tar = "application/vnd.oci.image.layer.v1.tar+gzip";
        let index = json!({"schemaVersion": 2, "manifests": [
            {"mediaType": MANIFEST, "digest": "sha256:0", "size": 1,
                "platform": {"os": "linux", "architecture": "amd64"}}]});
        let said = |manifest| found(manifest).unwrap_err();
        for (text, what) in [
            (
                said(manifest(image, &[tar])),
                "a container image with one layer of media type `application/vnd.oci.image.layer.v1.tar+gzip`",
            ),
            (
                said(manifest(CONFIG, &[WASM, tar])),
                "an artifact with 2 layers (`application/wasm`, ",
            ),
            (said(manifest(CONFIG, &[])), "an artifact with no layer"),
            (
                said(manifest(CONFIG, &["a\u{1b}[31m"])),
                "of media type `a?[31m`",
            ),
            (
                said(index),
                "an index of 1 manifests for platforms (linux/amd64)",
            ),
        ] {
            assert!(text.contains(what), "{text}");
        }
        for (field, value) in [
            ("digest", json!("sha256:../../other/blobs/x")),
            ("digest", json!("md5:0123")),
            ("size", json!(-1)),
        ] {
            let mut manifest = manifest(CONFIG, &[WASM]);
            manifest["layers"][0][field] = value;
            assert!(said(manifest).contains("a manifest whose layer has"));
        }
    }

    #[test]
    fn what_is_published_is_what_is_taken() {
        let about = About {
            name: "meter".to_owned(),
            version: "1.0.0".to_owned(),
            summary: "Makes \"readings\".".to_owned(),
            imports: Vec::new(),
            exports: Vec::new(),
        };
        let bytes = || b"\0asm".to_vec();
        let sent = published(bytes(), &about);
        let manifest = serde_json::from_slice(&sent.manifest.bytes).unwrap();
        let layer = layer(manifest).unwrap();
        assert_eq!((layer.digest, layer.size), (sent.component.digest, 4));
        assert_eq!(
            published(bytes(), &about).manifest.digest,
            sent.manifest.digest
        );
    }
}
