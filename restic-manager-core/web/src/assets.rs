//! The files that pages need, inside the binary, under URLs that change with their content.

use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use std::{collections::HashMap, io::Write as _, sync::LazyLock};

/// One file as it is served.
#[derive(Debug)]
pub(crate) struct Asset {
    pub(crate) content_type: &'static str,
    pub(crate) bytes: &'static [u8],
    /// The same packed, once per process; public files only, so that packing tells nothing.
    pub(crate) packed: Bytes,
}

/// The path of an asset, with its content's hash; none for a name that does not exist.
pub(crate) fn url(name: &str) -> Option<&'static str> {
    INDEX.urls.get(name).map(String::as_str)
}

/// The asset at a path below `/assets/`; its hash must be the present one.
pub(crate) fn find(path: &str) -> Option<&'static Asset> {
    INDEX.assets.get(path)
}

struct Index {
    urls: HashMap<&'static str, String>,
    assets: HashMap<String, Asset>,
}

static INDEX: LazyLock<Index> = LazyLock::new(|| {
    // Modules import each other by fixed names, so that all scripts share one hash, in their folder's name.
    let scripts = hash(FILES.iter().filter(|(name, ..)| name.ends_with(".js")).map(|(_, _, bytes)| *bytes));
    let mut index = Index { urls: HashMap::new(), assets: HashMap::new() };
    for &(name, content_type, bytes) in FILES {
        let url = if name.ends_with(".js") {
            format!("/assets/{scripts:016x}/{name}")
        } else {
            format!("/assets/{:016x}/{name}", hash([bytes]))
        };
        index.assets.insert(url.clone(), Asset { content_type, bytes, packed: pack(bytes) });
        index.urls.insert(name, url);
    }
    index
});

fn pack(bytes: &[u8]) -> Bytes {
    let mut packer = GzEncoder::new(Vec::new(), Compression::best());
    let packed = packer.write_all(bytes).and_then(|()| packer.finish());
    packed.expect("writing to memory cannot fail").into()
}

/// FNV-1a: tells versions apart, protects nothing.
fn hash<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> u64 {
    parts.into_iter().flatten().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

macro_rules! files {
    ($($name:literal, $content_type:literal, $path:literal;)*) => {
        &[$(($name, $content_type, include_bytes!(concat!("../assets/", $path)))),*]
    };
}

static FILES: &[(&str, &str, &[u8])] = files! {
    "app.css", "text/css; charset=utf-8", "dist/app.css";
    "icons.svg", "image/svg+xml", "dist/icons.svg";
    "favicon.svg", "image/svg+xml", "favicon.svg";
    "htmx.min.js", "text/javascript; charset=utf-8", "vendor/htmx.min.js";
    "app.js", "text/javascript; charset=utf-8", "js/app.js";
    "passkey.js", "text/javascript; charset=utf-8", "js/passkey.js";
    "time.js", "text/javascript; charset=utf-8", "js/time.js";
    "text.js", "text/javascript; charset=utf-8", "js/text.js";
    "log.js", "text/javascript; charset=utf-8", "js/log.js";
    "stream.js", "text/javascript; charset=utf-8", "js/stream.js";
};
