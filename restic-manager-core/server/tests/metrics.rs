//! Who gets metrics, what they say, and that what hangs or dies in the server is not told to be well.

use http::StatusCode;
use restic_manager_proto::{
    JobEnd,
    vocabulary::{Cause, JobKind, JobState},
};
use restic_manager_server::Config;
use restic_manager_store::Audit;
use restic_manager_testkit::patiently;
use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

use crate::{
    support::{App, Background, Client, PASSWORD},
    world::{enrol, make_repository},
};

const TOKEN: &str = "0123456789abcdef0123456789abcdef";
const PATHS: [&str; 2] = ["/metrics", "/metrics/restic-exporter"];

fn scraper(app: &App, token: &str) -> Client {
    Client { token: Some(token.to_owned()), ..app.anonymous() }
}

fn with_token(config: &mut Config) {
    config.metrics.token = Some(TOKEN.parse().unwrap());
}

#[tokio::test]
async fn metrics_are_absent_until_somebody_may_have_them() {
    let app = App::fresh().await;
    for path in PATHS {
        scraper(&app, TOKEN).get(path).await.problem(StatusCode::NOT_FOUND);
    }
}

#[tokio::test]
async fn a_token_opens_metrics_and_nothing_else_does() {
    let app = App::with(with_token).await;
    app.make_admin().await;
    let admin = app.sign_in("alice", PASSWORD).await;
    for path in PATHS {
        app.anonymous().get(path).await.problem(StatusCode::UNAUTHORIZED);
        admin.get(path).await.problem(StatusCode::UNAUTHORIZED);
        scraper(&app, "0123456789abcdef0123456789abcdeg").get(path).await.problem(StatusCode::UNAUTHORIZED);
        scraper(&app, TOKEN).get(path).await.expect(StatusCode::OK);
        scraper(&app, TOKEN).post(path, json!({})).await.problem(StatusCode::METHOD_NOT_ALLOWED);
    }
}

/// Tests come from 192.0.2.1.
#[tokio::test]
async fn a_network_opens_metrics_to_those_in_it() {
    for (network, status) in [("192.0.2.0/24", StatusCode::OK), ("10.0.0.0/8", StatusCode::FORBIDDEN)] {
        let app = App::with(|config| config.metrics.networks = vec![network.parse().unwrap()]).await;
        for path in PATHS {
            app.anonymous().get(path).await.expect(status);
        }
    }
}

#[tokio::test]
async fn what_happened_is_told_and_kept_over_a_restart() {
    let app = App::with(with_token).await;
    app.make_admin().await;
    let admin = app.sign_in("alice", PASSWORD).await;
    let host = enrol(&app, "web-1").await;
    let repository = make_repository(&admin, "main", "/srv/main").await;
    let attach = format!("/api/v1/hosts/{host}/repositories/{repository}");
    admin.put(&attach, None, json!({})).await.expect(StatusCode::OK);
    let run = format!("/api/v1/repositories/{repository}/upkeep/jobs");
    let job = admin.post(&run, json!({ "kind": "check" })).await;
    let mut tx = app.store.begin().await.unwrap();
    let active = tx.jobs().active_of(host).await.unwrap();
    let queued = active.iter().find(|queued| queued.kind == JobKind::Check);
    let queued = queued.unwrap_or_else(|| panic!("{}: {active:?}", job.text()));
    tx.jobs().start(queued.id, app.now(), None).await.unwrap();
    let end = JobEnd::new(JobState::Succeeded, Cause::None);
    let later = app.now().after(core::time::Duration::from_secs(42));
    tx.jobs().finish(queued.id, later, &end).await.unwrap();
    tx.commit(Audit::Routine("a fixture")).await.unwrap();

    let told = scraper(&app, TOKEN).get("/metrics").await;
    assert!(told.headers["content-type"].to_str().unwrap().starts_with("text/plain; version=0.0.4"));
    let text = told.text();
    for line in [
        "restic_manager_jobs_total{kind=\"check\",result=\"succeeded\"} 1.0",
        "restic_manager_jobs_total{kind=\"check\",result=\"failed\"} 0.0",
        "restic_manager_job_duration_seconds_bucket{kind=\"check\",le=\"30\"} 0",
        "restic_manager_job_duration_seconds_bucket{kind=\"check\",le=\"60\"} 1",
        "restic_manager_job_duration_seconds_sum{kind=\"check\"} 42.0",
        "restic_manager_host_online{host=\"web-1\"} 0.0",
        "restic_manager_hosts{health=\"unknown\"} 1.0",
        "restic_manager_figures_cut{of=\"hosts\"} 0.0",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
    }
    assert!(!text.contains(TOKEN));

    let exporter = scraper(&app, TOKEN).get("/metrics/restic-exporter").await.text();
    assert!(exporter.contains("restic_check_success{repository=\"main\"} "), "{exporter}");
    let one = scraper(&app, TOKEN).get("/metrics/restic-exporter?repository=main").await.text();
    assert!(one.contains("restic_locks_total -1.0"), "{one}");
    scraper(&app, TOKEN)
        .get("/metrics/restic-exporter?repository=other")
        .await
        .problem(StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn totals_alone_name_no_host() {
    let app = App::with(|config| {
        with_token(config);
        config.metrics.only_totals = true;
    })
    .await;
    enrol(&app, "web-1").await;
    let text = scraper(&app, TOKEN).get("/metrics").await.text();
    assert!(
        text.contains("restic_manager_hosts{health=\"unknown\"} 1.0") && !text.contains("web-1"),
        "{text}"
    );
}

/// A monitor elsewhere: answers every request, and tells its first line.
async fn monitor() -> (String, tokio::sync::mpsc::UnboundedReceiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/ping/secret-part", listener.local_addr().unwrap());
    let (told, heard) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut read = vec![0; 4096];
            let length = stream.read(&mut read).await.unwrap();
            let text = String::from_utf8_lossy(&read[..length]).into_owned();
            told.send(text.lines().next().unwrap_or_default().to_owned()).unwrap();
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.unwrap();
        }
    });
    (address, heard)
}

#[tokio::test]
async fn the_outside_watch_is_told_while_the_server_is_well() {
    let (address, mut heard) = monitor().await;
    let app = App::over(
        |store| store,
        |config| {
            with_token(config);
            config.outside_watch = Some(address.parse().unwrap());
        },
        Background::Runs,
    )
    .await;
    let line = patiently(heard.recv()).await;
    assert_eq!(line.as_deref(), Some("GET /ping/secret-part HTTP/1.1"));
    patiently(async {
        // Each look has figures of its own only after a while; what this process knows is always new.
        while !scraper(&app, TOKEN)
            .get("/metrics")
            .await
            .text()
            .contains("pings_total{result=\"answered\"} 1.0")
        {
            tokio::task::yield_now().await;
        }
    })
    .await;
    app.shutdown.request();
}
