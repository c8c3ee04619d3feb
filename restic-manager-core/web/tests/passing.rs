//! What is not a page belongs to the API, untouched.

use http::{Request, StatusCode, header};
use restic_manager_web::web;
use tower::ServiceExt as _;

use crate::{
    fake::{Fake, full, now},
    pages::{get, send},
};

#[tokio::test]
async fn requests_of_programs_pass_unchanged() {
    for path in [
        "/api/v1/fleet",
        "/api/version",
        "/healthz",
        "/readyz",
        "/install/linux.sh",
        "/agent/binary?os=linux&arch=x86_64",
        "/ws/agent",
        "/metrics",
    ] {
        let fake = Fake::default();
        let request = Request::builder()
            .uri(path)
            .header("x-mark", "kept")
            .header(header::ACCEPT, "text/html")
            .body(full("payload"))
            .unwrap();
        let response = web(fake.clone()).with_clock(now).oneshot(request).await.unwrap();
        let asked = fake.last("GET", path).unwrap();
        assert_eq!(
            (asked.body.as_str(), asked.headers["x-mark"].to_str().unwrap()),
            ("payload", "kept"),
            "{path}"
        );
        assert!(
            !response.headers().contains_key("content-security-policy"),
            "{path}: the answer is the API's"
        );
    }
}

#[tokio::test]
async fn what_the_api_noted_about_the_connection_reaches_it_again() {
    #[derive(Clone, Debug, PartialEq)]
    struct Peer(u8);
    let seen = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let noted = std::sync::Arc::clone(&seen);
    let api = tower::service_fn(move |request: Request<restic_manager_web::Body>| {
        noted.lock().unwrap().push(request.extensions().get::<Peer>().cloned());
        std::future::ready(Ok::<_, std::convert::Infallible>(http::Response::new(full("{}"))))
    });
    let mut request = get("/hosts");
    request.extensions_mut().insert(Peer(7));
    web(api).oneshot(request).await.unwrap();
    let seen = seen.lock().unwrap();
    assert!(!seen.is_empty() && seen.iter().all(|peer| *peer == Some(Peer(7))));
}

#[tokio::test]
async fn an_api_that_is_away_or_speaks_otherwise_is_explained() {
    let away = tower::service_fn(|_: Request<restic_manager_web::Body>| {
        std::future::ready(Err::<http::Response<restic_manager_web::Body>, _>(std::io::Error::other(
            "connection refused",
        )))
    });
    let response = web(away).oneshot(get("/hosts")).await.unwrap();
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    let odd = tower::service_fn(|_: Request<restic_manager_web::Body>| {
        std::future::ready(Ok::<_, std::convert::Infallible>(http::Response::new(full("<html>"))))
    });
    let response = web(odd).oneshot(get("/hosts")).await.unwrap();
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
}

#[tokio::test]
async fn the_api_s_own_404_reaches_programs_as_it_is() {
    let mut request = get("/nothing");
    request.headers_mut().insert(header::ACCEPT, "application/json".parse().unwrap());
    let (response, body) = send(&Fake::default(), request).await;
    assert_eq!(response.status(), StatusCode::NOT_FOUND);
    assert!(body.starts_with('{'));
}
