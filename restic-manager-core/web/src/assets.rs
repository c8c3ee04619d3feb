//! The files that pages need, inside the binary, under URLs that change with their content.

use std::{collections::HashMap, sync::LazyLock};

/// One embedded file.
#[derive(Debug)]
pub(crate) struct Asset {
    pub(crate) content_type: &'static str,
    pub(crate) bytes: &'static [u8],
}

/// The path of an asset, with its content's hash; none for a name that does not exist.
pub(crate) fn url(name: &str) -> Option<&'static str> {
    INDEX.urls.get(name).map(String::as_str)
}

/// The asset at a path below `/assets/`; its hash must be the present one.
pub(crate) fn find(path: &str) -> Option<&'static Asset> {
    INDEX.assets.get(path).copied()
}

struct Index {
    urls: HashMap<&'static str, String>,
    assets: HashMap<String, &'static Asset>,
}

static INDEX: LazyLock<Index> = LazyLock::new(|| {
    // Modules import each other by fixed names, so that all scripts share one hash, in their folder's name.
    let scripts = hash(FILES.iter().filter(|(name, _)| name.ends_with(".js")).map(|(_, asset)| asset.bytes));
    let mut index = Index { urls: HashMap::new(), assets: HashMap::new() };
    for (name, asset) in FILES {
        let url = if name.ends_with(".js") {
            format!("/assets/{scripts:016x}/{name}")
        } else {
            format!("/assets/{:016x}/{name}", hash([asset.bytes]))
        };
        index.assets.insert(url.clone(), asset);
        index.urls.insert(name, url);
    }
    index
});

/// FNV-1a: tells versions apart, protects nothing.
fn hash<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> u64 {
    parts.into_iter().flatten().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

macro_rules! files {
    ($($name:literal, $content_type:literal, $path:literal;)*) => {
        &[$(($name, Asset { content_type: $content_type, bytes: include_bytes!(concat!("../assets/", $path)) })),*]
    };
}

static FILES: &[(&str, Asset)] = files! {
    "app.css", "text/css; charset=utf-8", "dist/app.css";
    "icons.svg", "image/svg+xml", "dist/icons.svg";
    "favicon.svg", "image/svg+xml", "favicon.svg";
    "htmx.min.js", "text/javascript; charset=utf-8", "vendor/htmx.min.js";
    "app.js", "text/javascript; charset=utf-8", "js/app.js";
    "time.js", "text/javascript; charset=utf-8", "js/time.js";
    "text.js", "text/javascript; charset=utf-8", "js/text.js";
    "log.js", "text/javascript; charset=utf-8", "js/log.js";
    "stream.js", "text/javascript; charset=utf-8", "js/stream.js";
};
