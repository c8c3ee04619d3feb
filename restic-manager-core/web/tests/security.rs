//! What a hostile name, page or browser cannot do.

use http::{StatusCode, header};

use crate::{
    fake::{CSRF, Fake, HOSTILE, host_id, job_id},
    pages::{addresses, get, post, send},
};

#[tokio::test]
async fn hostile_text_stays_text_on_every_page() {
    let fake = Fake::hostile();
    for address in addresses() {
        let (_, body) = send(&fake, get(&address)).await;
        for forbidden in ["<script>alert", "<img src=x", "' onfocus"] {
            assert!(!body.contains(forbidden), "{address} carries {forbidden:?}");
        }
        // A field holds what is stored, to the character; everything else shows it.
        let body = without_values(&body);
        for forbidden in ["<script>alert", "<img src=x", "\u{202e}", "\u{1b}", "\u{0}", "' onfocus"] {
            assert!(!body.contains(forbidden), "{address} carries {forbidden:?}");
        }
        assert_eq!(tags(&body, "script").len(), 2, "{address}");
    }
    let (_, body) = send(&fake, get(&format!("/hosts/{}", host_id()))).await;
    assert!(
        body.contains("&lt;script&gt;alert(1)")
            && body.contains("‹U+202E›txt.exe\u{240a}\u{241b}[2J\u{2400}"),
        "it is shown, not hidden"
    );
}

#[tokio::test]
async fn hostile_text_from_the_address_and_the_form_stays_text() {
    let typed: String = form_urlencoded::byte_serialize(HOSTILE.as_bytes()).collect();
    let fake = Fake::default();
    for address in [
        format!("/search?q={typed}"),
        format!("/hosts?text={typed}&tag={typed}"),
        format!("/login?next={typed}"),
        format!("/jobs?done={typed}&after={typed}"),
        format!("/nothing/{typed}"),
    ] {
        let (_, body) = send(&fake, get(&address)).await;
        assert!(!body.contains("<script>alert") && !body.contains("<img src=x"), "{address}");
    }
    let (_, body) = send(
        &fake,
        post(
            &format!("/hosts/{}/delete", host_id()),
            &format!("csrf_token={CSRF}&confirm={typed}&name={typed}&tags={typed}"),
        ),
    )
    .await;
    assert!(!body.contains("<script>alert") && body.contains("nothing was removed"));
}

#[tokio::test]
async fn no_page_carries_script_or_style_of_its_own() {
    let fake = Fake::default();
    for address in addresses().iter().map(String::as_str).chain(["/login", "/hosts/not-an-id"]) {
        let (_, body) = send(&fake, get(address)).await;
        assert!(!body.contains("<style") && !body.contains("javascript:"), "{address}");
        for tag in all_tags(&body) {
            let words = attribute_names(tag);
            assert!(
                words.iter().all(|name| *name != "style"
                    && !name.starts_with("on")
                    && !name.starts_with("hx-on")
                    && *name != "srcdoc"),
                "{address}: {tag}"
            );
        }
        for script in tags(&body, "script") {
            assert!(script.contains("src=\"/assets/"), "{address}: {script}");
        }
    }
}

#[tokio::test]
async fn every_answer_forbids_what_pages_do_not_need() {
    let fake = Fake::default();
    let mut answers = Vec::new();
    for address in
        addresses().iter().map(String::as_str).chain(["/login", "/bootstrap", "/nothing", "/assets/none"])
    {
        answers.push((address.to_owned(), send(&fake, get(address)).await.0));
    }
    answers.push(("post".to_owned(), send(&fake, post("/logout", "")).await.0));
    for (address, response) in answers {
        let header = |name: &str| {
            response.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
        };
        let policy = header("content-security-policy");
        assert!(
            policy.starts_with("default-src 'none'")
                && policy.contains("frame-ancestors 'none'")
                && policy.contains("base-uri 'none'"),
            "{address}: {policy}"
        );
        assert!(
            !policy.contains("unsafe") && !policy.contains('*') && !policy.contains("data:"),
            "{address}: {policy}"
        );
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "same-origin"),
            ("cache-control", "no-store"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
        ] {
            assert_eq!(header(name), value, "{address}: {name}");
        }
        assert!(header("permissions-policy").contains("camera=()"), "{address}");
    }
}

#[tokio::test]
async fn foreign_pages_cannot_post() {
    for site in ["cross-site", "same-site", "none"] {
        let fake = Fake::default();
        let mut request = post(&format!("/jobs/{}/cancel", job_id()), &format!("csrf_token={CSRF}"));
        request.headers_mut().insert("sec-fetch-site", site.parse().unwrap());
        let (response, _) = send(&fake, request).await;
        assert_eq!(response.status(), StatusCode::FORBIDDEN, "{site}");
        assert!(fake.asked.lock().unwrap().is_empty(), "the API was not even asked");
    }
}

#[tokio::test]
async fn a_post_without_the_session_s_token_changes_nothing() {
    let (response, _) =
        send(&Fake::default(), post("/jobs", &format!("csrf_token=guess&kind=backup&host={}", host_id())))
            .await;
    assert_eq!(response.status(), StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn wrong_methods_and_foreign_bodies_are_refused() {
    let mut request = post("/jobs", "{}");
    request.headers_mut().insert(header::CONTENT_TYPE, "application/json".parse().unwrap());
    assert_eq!(send(&Fake::default(), request).await.0.status(), StatusCode::PAYLOAD_TOO_LARGE);
    let mut request = get("/hosts");
    *request.method_mut() = http::Method::DELETE;
    assert_eq!(send(&Fake::default(), request).await.0.status(), StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn markup_is_well_formed() {
    for fake in [Fake::default(), Fake::hostile(), Fake { empty: true, ..Fake::default() }] {
        for address in addresses().iter().map(String::as_str).chain(["/login", "/hosts/x"]) {
            let (_, body) = send(&fake, get(address)).await;
            balanced(address, &body);
            distinct_ids(address, &body);
            let link_without_text =
                body.split("<a ").skip(1).any(|link| link.split('>').nth(1) == Some("</a"));
            assert!(!link_without_text, "{address}: a link has no text");
        }
    }
}

fn balanced(address: &str, body: &str) {
    const VOID: &[&str] = &["meta", "link", "input", "br", "img", "!DOCTYPE"];
    let mut open: Vec<&str> = Vec::new();
    for tag in all_tags(body) {
        let name = tag.trim_start_matches('/').split([' ', '\n']).next().unwrap_or_default();
        if tag.starts_with('/') {
            assert_eq!(open.pop(), Some(name), "{address}: </{name}> closes another");
        } else if !VOID.contains(&name) {
            open.push(name);
        }
    }
    assert!(open.is_empty(), "{address}: left open: {open:?}");
}

fn distinct_ids(address: &str, body: &str) {
    let mut ids = std::collections::HashSet::new();
    for part in body.split(" id=\"").skip(1) {
        let id = part.split('"').next().unwrap_or_default();
        assert!(ids.insert(id), "{address}: two elements are called {id}");
    }
}

/// The page without what its fields hold.
fn without_values(body: &str) -> String {
    let areas = body.split("<textarea").enumerate().map(|(at, part)| match part.split_once("</textarea>") {
        Some((_, rest)) if at > 0 => rest,
        _ => part,
    });
    let values = areas.collect::<String>();
    let mut parts = values.split(" value=\"");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |page, part| page + part.split_once('"').map(|(_, rest)| rest).unwrap_or_default())
}

/// The inside of each tag; text never holds a `<`, since all is escaped.
fn all_tags(body: &str) -> Vec<&str> {
    body.split('<').skip(1).map(|part| part.split('>').next().unwrap_or_default()).collect()
}

fn tags<'a>(body: &'a str, name: &str) -> Vec<&'a str> {
    all_tags(body).into_iter().filter(|tag| tag.split([' ', '\n']).next() == Some(name)).collect()
}

fn attribute_names(tag: &str) -> Vec<&str> {
    let mut names = Vec::new();
    let mut quote = None;
    let mut from = 0;
    for (at, character) in tag.char_indices() {
        match (quote, character) {
            (None, '"' | '\'') => quote = Some(character),
            (Some(open), close) if open == close => quote = None,
            (None, ' ' | '\n') => from = at + 1,
            (None, '=') => names.push(tag[from..at].trim()),
            _ => {}
        }
    }
    names
}
