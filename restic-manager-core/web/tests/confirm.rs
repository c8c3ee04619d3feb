//! The page that asks for a proof of identity, and the form that waits behind it.

use http::{StatusCode, header};
use restic_manager_web::web;
use std::sync::{Arc, Mutex};

use crate::{
    fake::{CSRF, Fake, ProofState, now, repository_id},
    pages::{post, send, through},
};

fn stale() -> Fake {
    Fake { proof: Arc::new(Mutex::new(ProofState::Old)), ..Fake::default() }
}

fn hidden(body: &str, name: &str) -> String {
    let from = format!("name=\"{name}\" value=\"");
    let at = body.find(&from).unwrap_or_else(|| panic!("no {name} in {body}")) + from.len();
    body[at..].split('"').next().unwrap().to_owned()
}

#[tokio::test]
async fn a_dangerous_form_waits_for_the_proof_and_loses_nothing() {
    let fake = stale();
    let web = web(fake.clone()).with_clock(now);
    let api = format!("/api/v1/repositories/{}/password", repository_id());
    let address = format!("/repositories/{}/password", repository_id());
    let typed = format!("csrf_token={CSRF}&once=abc&password=SECRET-VALUE");
    let (response, page) = through(&web, post(&address, &typed)).await;
    assert_eq!(response.status(), StatusCode::FORBIDDEN);
    assert!(page.contains("Confirm that it is you") && page.contains(&format!("action=\"{address}\"")));
    assert!(!page.contains("SECRET-VALUE"), "a page never shows what is secret");

    let kept = hidden(&page, "kept");
    let wrong = format!("csrf_token={CSRF}&kept={kept}&proof=password&proof_password=guess");
    let (response, page) = through(&web, post(&address, &wrong)).await;
    assert_eq!(response.status(), StatusCode::FORBIDDEN);
    assert!(page.contains("That did not match"));
    assert_eq!(hidden(&page, "kept"), kept, "it goes on waiting");

    let right = format!("csrf_token={CSRF}&kept={kept}&proof=password&proof_password=right-proof");
    let elsewhere = post(&format!("/repositories/{}/delete", repository_id()), &right);
    let (response, _) = through(&web, elsewhere).await;
    assert!(response.headers()[header::LOCATION].to_str().unwrap().ends_with("/delete?done=confirmed"));
    assert_eq!(fake.last("PUT", &api).unwrap().body, r#"{"password":"SECRET-VALUE"}"#, "the first, refused");
    fake.asked.lock().unwrap().clear();

    let (response, _) = through(&web, post(&address, &right)).await;
    assert_eq!(response.status(), StatusCode::SEE_OTHER);
    let asked = fake.last("PUT", &api).unwrap();
    assert_eq!(asked.body, r#"{"password":"SECRET-VALUE"}"#);
    assert_eq!(asked.headers["x-csrf-token"], CSRF);
    assert!(fake.asked.lock().unwrap().iter().all(|asked| !asked.uri.contains("SECRET")));
}

#[tokio::test]
async fn forms_without_danger_do_not_wait() {
    let address = format!("/repositories/{}/password", repository_id());
    let typed = format!("csrf_token={CSRF}&password=x&kept=nonsense");
    let (response, _) = send(&Fake::default(), post(&address, &typed)).await;
    assert_eq!(response.status(), StatusCode::SEE_OTHER);
}
