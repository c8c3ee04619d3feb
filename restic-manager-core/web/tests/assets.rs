//! Files under URLs that change with their content.

use http::{StatusCode, header};
use http_body_util::BodyExt as _;
use tower::ServiceExt as _;

use crate::{
    fake::Fake,
    pages::{get, send},
};

#[tokio::test]
async fn everything_a_page_names_is_served_for_ever() {
    let (_, page) = send(&Fake::default(), get("/gallery")).await;
    let urls: std::collections::BTreeSet<&str> =
        page.split("\"/assets/").skip(1).map(|part| part.split(['"', '#']).next().unwrap()).collect();
    assert!(urls.len() >= 5, "{urls:?}");
    for url in urls {
        let (response, body) = send(&Fake::default(), get(&format!("/assets/{url}"))).await;
        assert_eq!(response.status(), StatusCode::OK, "{url}");
        assert_eq!(response.headers()[header::CACHE_CONTROL], "public, max-age=31536000, immutable");
        assert!(!body.is_empty() && response.headers().contains_key(header::CONTENT_TYPE));
    }
}

#[tokio::test]
async fn modules_find_what_they_import() {
    let (_, page) = send(&Fake::default(), get("/gallery")).await;
    let app = page.split('"').find(|part| part.ends_with("/app.js")).unwrap();
    let (_, source) = send(&Fake::default(), get(app)).await;
    let folder = app.trim_end_matches("app.js");
    let imports: Vec<&str> =
        source.split("from \"./").skip(1).map(|part| part.split('"').next().unwrap()).collect();
    assert!(!imports.is_empty());
    for import in imports {
        let (response, _) = send(&Fake::default(), get(&format!("{folder}{import}"))).await;
        assert_eq!(response.status(), StatusCode::OK, "{import}");
    }
}

#[tokio::test]
async fn browsers_that_unpack_get_a_third_of_the_bytes() {
    let (_, page) = send(&Fake::default(), get("/gallery")).await;
    for name in ["/app.css", "/htmx.min.js"] {
        let url = page.split('"').find(|part| part.ends_with(name)).unwrap();
        let (_, plain) = send(&Fake::default(), get(url)).await;
        let mut request = get(url);
        request.headers_mut().insert(header::ACCEPT_ENCODING, "br, gzip".parse().unwrap());
        let response = restic_manager_web::web(Fake::default()).oneshot(request).await.unwrap();
        assert_eq!(response.headers()[header::CONTENT_ENCODING], "gzip");
        let packed = response.into_body().collect().await.unwrap().to_bytes();
        assert!(
            packed.starts_with(&[0x1f, 0x8b]) && packed.len() * 5 < plain.len() * 2,
            "{name}: {} of {}",
            packed.len(),
            plain.len()
        );
    }
}

#[tokio::test]
async fn a_stale_or_invented_name_is_not_found() {
    for address in
        ["/assets/0000000000000000/app.css", "/assets/app.css", "/assets/", "/assets/../Cargo.toml"]
    {
        assert_eq!(send(&Fake::default(), get(address)).await.0.status(), StatusCode::NOT_FOUND, "{address}");
    }
}

#[test]
fn every_icon_that_a_template_or_page_names_is_in_the_sprite() {
    let sprite = include_str!("../assets/dist/icons.svg");
    let mut named = std::collections::BTreeSet::new();
    for file in files(concat!(env!("CARGO_MANIFEST_DIR"), "/templates"), "html")
        .chain(files(concat!(env!("CARGO_MANIFEST_DIR"), "/src"), "rs"))
    {
        let text = std::fs::read_to_string(&file).unwrap();
        for marker in [
            "icon(\"",
            "icon_name=\"",
            "icon: \"",
            "empty(\"",
            "Pill::new(Tone::Good, \"",
            "Pill::new(Tone::Bad, \"",
            "Pill::new(Tone::Warn, \"",
            "Pill::new(Tone::Running, \"",
            "Pill::new(Tone::Unknown, \"",
        ] {
            named.extend(text.split(marker).skip(1).map(|part| part.split('"').next().unwrap().to_owned()));
        }
    }
    assert!(named.len() > 30, "{named:?}");
    for icon in named {
        assert!(sprite.contains(&format!("id=\"{icon}\"")), "{icon}");
    }
}

fn files(folder: &str, extension: &'static str) -> impl Iterator<Item = std::path::PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![std::path::PathBuf::from(folder)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|found| found == extension) {
                found.push(path);
            }
        }
    }
    found.into_iter()
}

#[test]
fn the_compiled_styles_know_every_class_of_the_templates() {
    let styles = include_str!("../assets/dist/app.css");
    for file in files(concat!(env!("CARGO_MANIFEST_DIR"), "/templates"), "html") {
        let text = std::fs::read_to_string(&file).unwrap();
        for attribute in text.split("class=\"").skip(1).map(|part| part.split('"').next().unwrap()) {
            // What is put together at run time is the components' own; only fixed words are compiled from templates.
            let mut fixed = String::new();
            let mut rest = attribute;
            while let Some(open) = rest.find("{{").into_iter().chain(rest.find("{%")).min() {
                fixed.push_str(&rest[..open]);
                rest =
                    rest[open..].find('}').map_or("", |close| rest[open + close..].trim_start_matches('}'));
            }
            fixed.push_str(rest);
            for class in fixed.split_whitespace().filter(|class| !class.ends_with('-')) {
                let escaped = class.replace(':', "\\:").replace('/', "\\/").replace('.', "\\.");
                assert!(
                    styles.contains(&format!(".{escaped}")),
                    "{}: {class}; run assets/build.sh",
                    file.display()
                );
            }
        }
    }
}
