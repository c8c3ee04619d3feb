//! Every page renders, in every state that changes what it shows.

use http::{Request, Response, StatusCode, header};
use http_body_util::BodyExt as _;
use restic_manager_proto::vocabulary::Role;
use restic_manager_web::{Body, Web, web};
use tower::ServiceExt as _;

use std::sync::{Arc, Mutex};

use crate::fake::{
    COOKIE, Fake, ProofState, command_group_id, enrolment_id, full, group_id, host_id, job_id, now,
    repository_id, schedule_id,
};

/// Addresses that a signed-in user can read, each once.
pub(crate) fn addresses() -> Vec<String> {
    let (host, repository, job, group, enrolment) =
        (host_id(), repository_id(), job_id(), group_id(), enrolment_id());
    let (schedule, snapshot) = (schedule_id(), "9e8d7c6b".repeat(8));
    vec![
        "/".to_owned(),
        "/hosts".to_owned(),
        "/hosts?health=good&tag=prod&text=web".to_owned(),
        "/hosts?deleted=yes".to_owned(),
        "/hosts/pending".to_owned(),
        format!("/hosts/pending/{}", crate::fake::pending_host_id()),
        "/hosts/new".to_owned(),
        format!("/hosts/new/{enrolment}"),
        format!("/hosts/{host}"),
        format!("/hosts/{host}/sources"),
        format!("/hosts/{host}/sources/new"),
        format!("/hosts/{host}/sources/new-command"),
        format!("/hosts/{host}/hooks"),
        format!("/sources/{group}"),
        format!("/sources/{group}/hooks"),
        format!("/sources/{}", command_group_id()),
        format!("/sources/{}/command", command_group_id()),
        format!("/hosts/{host}/schedules"),
        format!("/hosts/{host}/schedules/new"),
        format!("/schedules/{schedule}"),
        format!("/hosts/{host}/jobs?day=2026-11-22"),
        format!("/hosts/{host}/repositories"),
        format!("/hosts/{host}/jobs"),
        format!("/hosts/{host}/settings"),
        format!("/hosts/{host}/snapshots/{repository}/{snapshot}"),
        format!("/hosts/{host}/snapshots/{repository}/{snapshot}?path=/srv/www&pick.c0=/etc/hosts"),
        format!("/hosts/{host}/snapshots/{repository}/{snapshot}?sort=size&descending=yes"),
        format!("/hosts/{host}/snapshots/{repository}/{snapshot}/search?text=*.html"),
        format!("/hosts/{host}/snapshots/{repository}/{snapshot}/restore?pick.0=/srv/www"),
        "/repositories".to_owned(),
        "/repositories/new".to_owned(),
        "/repositories/login".to_owned(),
        format!("/jobs/{}/preview", job_id()),
        format!("/repositories/{repository}"),
        "/jobs".to_owned(),
        "/jobs?state=failed".to_owned(),
        format!("/jobs/{job}"),
        format!("/jobs/{}", crate::fake::id(restic_manager_proto::JobId::from_parts, 31)),
        "/alerts".to_owned(),
        "/alerts?state=all".to_owned(),
        "/alerts?kind=backup-failed".to_owned(),
        format!("/alerts/{}", crate::fake::alert_id()),
        format!("/hosts/{host}/trends"),
        format!("/hosts/{host}/trends?days=365"),
        format!("/repositories/{repository}?days=30"),
        "/alerts?state=resolved&severity=warning".to_owned(),
        "/audit".to_owned(),
        "/audit?action=host-update&outcome=done&text=web&since=2026-11-01&until=2026-11-30".to_owned(),
        "/audit?actor=1&subject_kind=host&subject_id=2".to_owned(),
        "/audit/41".to_owned(),
        "/settings".to_owned(),
        "/settings/account".to_owned(),
        "/settings/sessions".to_owned(),
        "/settings/users".to_owned(),
        "/settings/users/new".to_owned(),
        format!("/settings/users/{}", crate::fake::user_id()),
        "/settings/two-factor".to_owned(),
        "/settings/two-factor/app".to_owned(),
        "/settings/tokens".to_owned(),
        "/settings/tokens?all=true".to_owned(),
        "/settings/maintenance".to_owned(),
        "/settings/notifications".to_owned(),
        "/settings/notifications/channels/new".to_owned(),
        "/settings/notifications/channels/new?kind=email".to_owned(),
        format!("/settings/notifications/channels/{}", crate::fake::notifications::channel_id()),
        "/settings/notifications/routes/new".to_owned(),
        format!("/settings/notifications/routes/{}", crate::fake::notifications::route_id()),
        "/settings/notifications/silences/new".to_owned(),
        "/search?q=web".to_owned(),
        "/search".to_owned(),
        "/gallery".to_owned(),
    ]
}

/// One browser's request, answered.
pub(crate) async fn send(fake: &Fake, request: Request<Body>) -> (Response<()>, String) {
    through(&web(fake.clone()).with_clock(now), request).await
}

/// The same in front of pages that go on living.
pub(crate) async fn through(web: &Web<Fake>, request: Request<Body>) -> (Response<()>, String) {
    let response = web.clone().oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    (Response::from_parts(parts, ()), String::from_utf8_lossy(&body).into_owned())
}

pub(crate) fn get(address: &str) -> Request<Body> {
    let request =
        Request::builder().uri(address).header(header::HOST, "backup.example").header(header::COOKIE, COOKIE);
    request.header(header::ACCEPT, "text/html").body(full("")).unwrap()
}

pub(crate) fn post(address: &str, form: &str) -> Request<Body> {
    let request = Request::builder()
        .method("POST")
        .uri(address)
        .header(header::HOST, "backup.example")
        .header(header::COOKIE, COOKIE);
    let request = request
        .header("sec-fetch-site", "same-origin")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    request.body(full(form)).unwrap()
}

async fn page(fake: &Fake, address: &str) -> String {
    let (response, body) = send(fake, get(address)).await;
    assert_eq!(response.status(), StatusCode::OK, "{address}: {body}");
    body
}

#[tokio::test]
async fn every_page_renders_for_every_role_full_and_empty() {
    for role in [Role::Admin, Role::Operator, Role::Viewer] {
        for empty in [false, true] {
            let fake = Fake { role, empty, ..Fake::default() };
            for address in addresses() {
                let body = page(&fake, &address).await;
                assert!(body.starts_with("<!DOCTYPE html>") && body.contains("</html>"), "{address}");
            }
        }
    }
}

#[tokio::test]
async fn every_template_of_a_page_was_rendered() {
    let mut seen = std::collections::BTreeSet::new();
    let mut note = |body: String| {
        let from = body.find("data-page=\"pages/").unwrap() + "data-page=\"pages/".len();
        seen.insert(body[from..].split('"').next().unwrap().to_owned());
    };
    let fake = Fake::default();
    for address in addresses() {
        note(page(&fake, &address).await);
    }
    note(page(&fake, "/login").await);
    note(page(&fake, "/setup").await);
    note(
        send(
            &fake,
            post("/settings/users/new", "csrf_token=csrf-of-the-session&name=bob&role=viewer&scope=all"),
        )
        .await
        .1,
    );
    note(page(&Fake { bootstrap_needed: true, ..Fake::default() }, "/bootstrap").await);
    note(send(&fake, get("/hosts/not-an-id")).await.1);
    note(
        send(&fake, post("/repositories/new", "csrf_token=csrf-of-the-session&name=web&location=/srv"))
            .await
            .1,
    );
    let csrf = "csrf_token=csrf-of-the-session";
    note(
        send(&fake, post("/settings/tokens", &format!("{csrf}&name=ci&role=viewer&scope=all&life=90")))
            .await
            .1,
    );
    note(send(&fake, post("/settings/two-factor/app", &format!("{csrf}&code=123456"))).await.1);
    let second = Fake { refusal: Some(crate::factors::missing_step()), ..Fake::default() };
    note(send(&second, post("/login", "name=ada&password=right")).await.1);
    let stale = Fake { proof: Arc::new(Mutex::new(ProofState::Old)), ..Fake::default() };
    let act = post(&format!("/repositories/{}", repository_id()), "csrf_token=csrf-of-the-session&name=web");
    note(send(&stale, act).await.1);
    let files: std::collections::BTreeSet<String> =
        std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/templates/pages"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
    assert_eq!(seen, files);
}

#[tokio::test]
async fn the_overview_tells_the_fleet_and_leads_to_each_fix() {
    let body = page(&Fake::default(), "/").await;
    for told in [
        "39 of 42 hosts backed up",
        "1 failing · 1 overdue · 1 without a snapshot · 1 alert",
        "See what to do",
        "wrong password",
        "See why",
        "42.7 %",
        "Waiting to enrol",
    ] {
        assert!(body.contains(told), "{told}");
    }
    let empty = page(&Fake { empty: true, ..Fake::default() }, "/").await;
    assert!(empty.contains("No hosts yet") && empty.contains("href=\"/hosts/new\""));
}

#[tokio::test]
async fn a_failed_job_shows_cause_proof_next_step_and_the_way_to_retry() {
    let body = page(&Fake::default(), &format!("/jobs/{}", job_id())).await;
    for told in [
        "Wrong password",
        "Fatal: wrong password or no key found",
        "Set the password the repository was made with",
        "Retry",
        "restic -r rest:",
        "starting restic 0.18.0",
        "id=\"L4\"",
    ] {
        assert!(body.contains(told), "{told}");
    }
    assert!(!body.contains("/cancel\""), "an ended job cannot be cancelled");
}

#[tokio::test]
async fn a_running_job_shows_progress_and_can_be_cancelled() {
    let body = page(
        &Fake::default(),
        &format!("/jobs/{}", crate::fake::id(restic_manager_proto::JobId::from_parts, 31)),
    )
    .await;
    assert!(
        body.contains("value=\"0.4270\"")
            && body.contains("about 4 min 18 s left")
            && body.contains("/cancel\"")
    );
    assert!(body.contains("data-stream=\"/api/v1/jobs/"));
}

#[tokio::test]
async fn a_viewer_sees_why_a_button_refuses() {
    let body = page(&Fake { role: Role::Viewer, ..Fake::default() }, &format!("/hosts/{}", host_id())).await;
    assert!(body.contains("needs the role operator; yours is viewer"));
}

#[tokio::test]
async fn an_alert_shows_its_next_step_and_can_be_taken_on() {
    let body = page(&Fake::default(), "/alerts").await;
    for told in ["reported on a job of another host", "Treat the host as taken over", "1\u{202f}204 times"] {
        assert!(body.contains(told), "{told}");
    }
    let acknowledge = format!("/alerts/{}/acknowledge", crate::fake::alert_id());
    assert!(body.contains(&acknowledge) && body.contains("class=\"badge tone-bad\">1<"));
    let fake = Fake::default();
    let (response, _) = send(&fake, post(&acknowledge, "csrf_token=csrf-of-the-session")).await;
    assert_eq!(response.headers()[header::LOCATION], "/alerts?done=alert-acknowledged");
    assert!(fake.last("POST", &format!("/api/v1{acknowledge}")).is_some());
    let over = page(&fake, "/alerts?state=resolved").await;
    assert!(over.contains("closed by web-01") && !over.contains("/resolve\""), "what is over stays over");
}

#[tokio::test]
async fn the_page_of_an_alert_says_what_proves_it_and_takes_a_reason() {
    let fake = Fake::default();
    let here = format!("/alerts/{}", crate::fake::alert_id());
    let body = page(&fake, &here).await;
    for told in ["Because of it", "Open the job", "History", "taken on by web-01"] {
        assert!(body.contains(told), "{told}: {body}");
    }
    let acknowledge = format!("{here}/acknowledge");
    let form = "csrf_token=csrf-of-the-session&reason=the+disk+is+ordered&length=72";
    let (response, _) = send(&fake, post(&acknowledge, form)).await;
    assert_eq!(response.headers()[header::LOCATION], format!("{here}?done=alert-acknowledged"));
    let sent = fake.last("POST", &format!("/api/v1{acknowledge}")).unwrap();
    let sent = format!("{sent:?}");
    assert!(sent.contains("the disk is ordered") && sent.contains("until"), "{sent}");
    let (response, body) =
        send(&fake, post(&acknowledge, "csrf_token=csrf-of-the-session&length=soon")).await;
    assert_eq!(response.status(), http::StatusCode::UNPROCESSABLE_ENTITY);
    assert!(body.contains("choose one of those offered"), "{body}");
}

#[tokio::test]
async fn trends_have_ranges_and_tables_for_readers() {
    let host = crate::fake::host_id();
    let fake = Fake::default();
    let body = page(&fake, &format!("/hosts/{host}/trends?days=365")).await;
    assert!(fake.last("GET", &format!("/api/v1/hosts/{host}/statistics?days=365")).is_some());
    assert_eq!(body.matches("<svg class=\"spark\"").count(), 3, "{body}");
    assert!(body.contains("<caption>Duration</caption>") && body.contains("0 B to 6.00 MiB"), "{body}");
    let empty = page(&Fake { empty: true, ..Fake::default() }, &format!("/hosts/{host}/trends")).await;
    assert!(empty.contains("No backups in this time"));
}

#[tokio::test]
async fn the_audit_page_says_how_far_it_is_proven_and_keeps_its_filters() {
    let fake = Fake::default();
    let body = page(&fake, "/audit?action=host-update&since=2026-11-01&actor=1").await;
    assert!(body.contains("Verified up to entry 1\u{202f}204"), "{body}");
    assert!(body.contains("tone-good") && body.contains("href=\"/audit/41\""));
    let asked = "/api/v1/audit?action=host-update&actor=1&since=2026-11-01T00%3A00%3A00Z";
    assert!(fake.last("GET", asked).is_some(), "{:?}", fake.asked.lock().unwrap());
    assert!(body.contains("/api/v1/audit/export?format=csv&amp;since=2026-11-01T00%3A00%3A00Z&amp;action=host-update&amp;actor=1"));
    assert!(
        body.contains("href=\"/audit?action=host-update&amp;since=2026-11-01\""),
        "the actor can be taken off"
    );
    let unread = page(&Fake { empty: true, ..Fake::default() }, "/audit").await;
    assert!(unread.contains("Not verified since") && !unread.contains("banner tone-good"));
    let broken = page(&Fake::hostile(), "/audit").await;
    assert!(broken.contains("banner tone-bad") && broken.contains("See the alert"));
}

#[tokio::test]
async fn filters_and_pages_are_in_the_address() {
    let body = page(&Fake::default(), "/hosts?health=overdue&tag=prod").await;
    assert!(
        body.contains("/hosts?health=overdue&amp;tag=prod&amp;after=next%2Bpage"),
        "the next page keeps the filter"
    );
    assert!(body.contains("href=\"/hosts?health=overdue\""), "the tag can be taken off");
}

#[tokio::test]
async fn what_does_not_exist_is_a_page_of_its_own() {
    for address in ["/hosts/not-an-id", "/nothing/here"] {
        let (response, body) = send(&Fake::default(), get(address)).await;
        assert_eq!(response.status(), StatusCode::NOT_FOUND, "{address}");
        assert!(body.contains("Not found") && body.contains("To the overview"));
    }
}

#[tokio::test]
async fn an_announced_host_shows_what_to_compare_and_what_clashes() {
    let path = format!("/hosts/pending/{}", crate::fake::pending_host_id());
    let body = page(&Fake::default(), &path).await;
    for told in [
        "Compare: the host prints this fingerprint",
        "name=\"fingerprint\" value=\"7QX2-M4KD-9TZC-W3HB-5RFN-8YPJ-2VGL-6SAE\"",
        "data-copy=\"7QX2-M4KD",
        "Look twice: a host of this name is here already, and another announced host has the same name",
        "192.0.2.7",
    ] {
        assert!(body.contains(told), "{told}");
    }
    let overview = page(&Fake::default(), "/").await;
    assert!(overview.contains("Announced hosts") && overview.contains("2<span class=\"sr\"> announced"));
    let viewer = page(&Fake { role: Role::Viewer, ..Fake::default() }, "/").await;
    assert!(!viewer.contains("Announced hosts") && !viewer.contains("announced</span>"));
}

#[tokio::test]
async fn a_removed_host_is_read_and_offers_nothing_but_its_purge() {
    let fake = Fake { removed: true, ..Fake::default() };
    let host = host_id();
    for tab in ["", "/sources", "/schedules", "/repositories", "/jobs", "/settings"] {
        let body = page(&fake, &format!("/hosts/{host}{tab}")).await;
        assert!(body.contains("This host was removed"), "{tab}");
        assert!(
            body.matches("<form class=\"actions\" method=\"post\" action=\"/jobs\">").count() == 0,
            "{tab}"
        );
        let forms = body.matches("method=\"post\"").count();
        let refused = body.matches("this host was removed").count();
        let purges = body.matches(&format!("action=\"/hosts/{host}/purge\"")).count();
        assert_eq!(purges, usize::from(tab == "/settings"), "{tab}");
        assert!(forms <= refused + purges, "{tab}: {forms} forms, {refused} refused");
    }
    let operator = Fake { role: Role::Operator, removed: true, ..Fake::default() };
    let body = page(&operator, &format!("/hosts/{host}/settings")).await;
    assert!(body.contains("needs the role admin; yours is operator") && !body.contains("/purge\""));
    let list = page(&fake, "/hosts?deleted=yes&health=good").await;
    assert!(list.contains("removed") && fake.last("GET", "/api/v1/hosts?deleted=true").is_some());
}
