//! Another user interface: one page of own HTML over the same API, which it calls as a tower service and as the
//! browser's user. Everything else goes through to the API, so signing in works as ever.
#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use bytes::Bytes;
use core::convert::Infallible;
use http::{HeaderMap, Request, Response, header};
use http_body_util::{BodyExt as _, Empty, Full};
use minijinja::{Environment, context, value::Serde};
use restic_manager_crypto::{Identity, Keyring, SystemRandom};
use restic_manager_examples::Browser;
use restic_manager_proto::api::{Endpoint as _, Page, Problem, repositories};
use restic_manager_server::{Body, BoxError, Config, Server, ServerService};
use restic_manager_store::memory::MemoryStore;
use serde_json::json;
use std::sync::Arc;
use tower::{ServiceExt as _, service_fn};

/// The name ends in `.html`, so what it shows is escaped.
const TEMPLATE: (&str, &str) = ("repositories.html", include_str!("own_web_ui.html"));

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let random = SystemRandom::new();
    let (keyring, identity) = (Keyring::generate(&random), Identity::generate(&random));
    let config = Config::new("https://backup.example.com".parse()?);
    let server = Server::builder(Arc::new(MemoryStore::new()), keyring, identity, config).build();
    let token = server.prepare().await?.bootstrap_token.ok_or("the server has an admin")?;

    let api = server.service();
    let mut browser = Browser::open(service_fn(move |request| answer(request, api.clone())));
    println!("signed out:\n{}", browser.get("/").await?);
    browser.sign_up(token.expose()).await?;
    let repository = json!({ "name": "offsite", "location": "/srv/<backup>" });
    browser.post("/api/v1/repositories", repository).await?;
    println!("signed in:\n{}", browser.get("/").await?);
    Ok(())
}

async fn answer(request: Request<Body>, api: ServerService) -> Result<Response<Body>, Infallible> {
    if request.uri().path() != "/" {
        return api.oneshot(request).await;
    }
    let page = page(api, request.headers())
        .await
        .unwrap_or_else(|error| format!("could not show the page: {error}"));
    let mut response = Response::new(Full::from(page).map_err(|never| match never {}).boxed_unsync());
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("text/html"));
    Ok(response)
}

async fn page(api: ServerService, browser: &HeaderMap) -> Result<String, BoxError> {
    let mut request = Request::get(repositories::List::PATH).body(Empty::<Bytes>::new())?;
    if let Some(cookie) = browser.get(header::COOKIE) {
        request.headers_mut().insert(header::COOKIE, cookie.clone());
    }
    let response = api.oneshot(request).await?;
    let is_allowed = response.status().is_success();
    let json = response.into_body().collect().await?.to_bytes();
    let shown = if is_allowed {
        let page: Page<repositories::Repository> = serde_json::from_slice(&json)?;
        context! { repositories => Serde(page.items) }
    } else {
        context! { problem => Serde(serde_json::from_slice::<Problem>(&json)?) }
    };
    let mut templates = Environment::new();
    templates.add_template(TEMPLATE.0, TEMPLATE.1)?;
    Ok(templates.get_template(TEMPLATE.0)?.render(shown)?)
}
