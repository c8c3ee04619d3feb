//! What posting does: the call to the API, the way on, and the form again when refused.

use http::{StatusCode, header};
use restic_manager_proto::{
    api::{Code, Problem},
    policy::{HostPolicy, PolicyReport},
    vocabulary::Role,
};

use crate::{
    fake::{COOKIE, CSRF, Fake, enrolment_id, group_id, host_id, job_id, repository_id, schedule_id},
    pages::{get, post, send},
};

pub(crate) async fn submit(fake: &Fake, address: &str, form: &str) -> (http::Response<()>, String) {
    send(fake, post(address, &format!("csrf_token={CSRF}&{form}"))).await
}

pub(crate) fn location(response: &http::Response<()>) -> &str {
    assert_eq!(response.status(), StatusCode::SEE_OTHER);
    response.headers()[header::LOCATION].to_str().unwrap()
}

#[tokio::test]
async fn signing_in_hands_the_cookie_on_and_goes_where_the_browser_wanted() {
    let fake = Fake::default();
    let (response, _) =
        send(&fake, post("/login", "name=ada&password=correct+horse&next=%2Fjobs%3Fstate%3Dfailed")).await;
    assert_eq!(location(&response), "/jobs?state=failed");
    assert!(response.headers()[header::SET_COOKIE].to_str().unwrap().starts_with(COOKIE));
    let asked = fake.last("POST", "/api/v1/session").unwrap();
    assert_eq!(asked.body, r#"{"name":"ada","password":"correct horse"}"#);
    assert!(!asked.headers.contains_key(header::COOKIE), "an old session does not sign in");
}

#[tokio::test]
async fn signing_in_never_leads_off_the_site() {
    let (response, _) = send(&Fake::default(), post("/login", "name=a&password=b&next=//evil.example")).await;
    assert_eq!(location(&response), "/");
}

#[tokio::test]
async fn a_wrong_password_says_so_and_forgets_it() {
    let fake = Fake { refusal: Some(Problem::new(Code::BadCredentials, "", "")), ..Fake::default() };
    let (response, body) = send(&fake, post("/login", "name=ada&password=SECRET-VALUE")).await;
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    assert!(body.contains("Name or password is wrong") && body.contains("value=\"ada\""));
    assert!(!body.contains("SECRET-VALUE"));
}

#[tokio::test]
async fn without_a_session_pages_lead_to_the_login_and_back() {
    let mut request = get("/hosts?health=good");
    request.headers_mut().remove(header::COOKIE);
    let (response, _) = send(&Fake::default(), request).await;
    assert_eq!(location(&response), "/login?next=%2Fhosts%3Fhealth%3Dgood");
    let mut live = get("/hosts");
    live.headers_mut().remove(header::COOKIE);
    live.headers_mut().insert("hx-request", "true".parse().unwrap());
    let (response, _) = send(&Fake::default(), live).await;
    assert_eq!(response.headers()["hx-redirect"], "/login?next=%2Fhosts");
}

#[tokio::test]
async fn the_first_start_leads_to_the_bootstrap_and_signs_in() {
    let fake = Fake { bootstrap_needed: true, ..Fake::default() };
    assert_eq!(location(&send(&fake, get("/login")).await.0), "/bootstrap");
    assert_eq!(location(&send(&Fake::default(), get("/bootstrap")).await.0), "/login");
    let form = "token=rmb_x&name=ada&password=long+enough+one&repeated=long+enough+one";
    let (response, _) = send(&fake, post("/bootstrap", form)).await;
    assert_eq!(location(&response), "/?done=bootstrap");
    assert!(response.headers().contains_key(header::SET_COOKIE));
    assert_eq!(
        fake.last("POST", "/api/v1/bootstrap").unwrap().body,
        r#"{"token":"rmb_x","name":"ada","password":"long enough one"}"#
    );
    let (response, body) =
        send(&fake, post("/bootstrap", "token=x&name=ada&password=one&repeated=two")).await;
    assert_eq!(response.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert!(body.contains("differs from the password above"));
}

#[tokio::test]
async fn adding_a_host_shows_line_fingerprint_and_scripts_once() {
    let fake = Fake::default();
    let form = format!(
        "name=web-01&tags=prod,+web&presence_mode=always-on&repository_choice=existing&repository={}&includes=%2Fetc%0D%0A%2Fsrv",
        repository_id()
    );
    let (response, body) = submit(&fake, "/hosts/new", &form).await;
    assert_eq!(response.status(), StatusCode::OK);
    for told in ["RM_ENROL_TOKEN=rme_one-time-token", "7QX2", "install-web-01.sh", "Waiting for web-01"] {
        assert!(body.contains(told), "{told}");
    }
    let asked = fake.last("POST", "/api/v1/enrolments").unwrap();
    let sent: serde_json::Value = serde_json::from_str(&asked.body).unwrap();
    assert_eq!(sent["tags"], serde_json::json!(["prod", "web"]));
    assert_eq!(sent["include_paths"], serde_json::json!(["/etc", "/srv"]));
    assert_eq!(sent["repositories"][0]["repository"], repository_id().to_string());
    assert_eq!(asked.headers["x-csrf-token"], CSRF);
    let (_, later) = send(&fake, get(&format!("/hosts/new/{}", enrolment_id()))).await;
    assert!(!later.contains("rme_one-time-token"), "the token is shown once");
}

#[tokio::test]
async fn adding_a_host_can_make_its_repository() {
    let fake = Fake::default();
    let form = "name=web-01&repository_choice=new&repository_name=web&location=rest%3Ahttps%3A%2F%2Fb%2F&credential_kind=rest&credential_username=u&credential_password=p";
    let (_, body) = submit(&fake, "/hosts/new", form).await;
    assert!(body.contains("made-password") && body.contains("Keep this repository password"));
    let sent: serde_json::Value =
        serde_json::from_str(&fake.last("POST", "/api/v1/repositories").unwrap().body).unwrap();
    assert_eq!(sent["everyday"], serde_json::json!({"kind": "rest", "username": "u", "password": "p"}));
    assert_eq!(sent["password"], serde_json::Value::Null, "an empty field asks for a made one");
}

#[tokio::test]
async fn the_page_turns_when_the_host_is_there() {
    let fake = Fake { enrolled: true, ..Fake::default() };
    let (_, body) = send(&fake, get(&format!("/hosts/new/{}", enrolment_id()))).await;
    assert!(
        body.contains("web-01 is online")
            && body.contains("First backup now?")
            && body.contains(&host_id().to_string())
    );
}

#[tokio::test]
async fn the_script_is_a_download_and_its_token_is_in_no_address() {
    let fake = Fake::default();
    let (response, body) =
        submit(&fake, &format!("/enrolments/{}/script", enrolment_id()), "token=rme_x&platform=linux").await;
    assert_eq!(body, "#!/bin/sh\n");
    assert!(response.headers()[header::CONTENT_DISPOSITION].to_str().unwrap().contains("install-web-01.sh"));
    assert!(fake.asked.lock().unwrap().iter().all(|asked| !asked.uri.contains("rme_x")));
}

#[tokio::test]
async fn a_form_sent_twice_is_one_request_and_another_form_is_another() {
    let key = |asked: &crate::fake::Asked| asked.headers["idempotency-key"].to_str().unwrap().to_owned();
    let fake = Fake::default();
    let mut keys = Vec::new();
    for form in [
        "once=abc&host=x&kind=backup",
        "once=abc&host=x&kind=backup",
        "once=abc&host=x&kind=list-snapshots",
        "once=def&host=x&kind=backup",
    ] {
        submit(&fake, "/jobs", &form.replace("=x", &format!("={}", host_id()))).await;
        keys.push(key(&fake.last("POST", "/api/v1/jobs").unwrap()));
    }
    assert_eq!(keys[0], keys[1]);
    assert!(keys[0] != keys[2] && keys[0] != keys[3]);
    assert!(keys[0].ends_with("-jobs.create") && keys[0].len() <= 128, "{}", keys[0]);
    submit(&fake, "/jobs", &format!("once=%00&kind=backup&host={}", host_id())).await;
    assert!(!fake.last("POST", "/api/v1/jobs").unwrap().headers.contains_key("idempotency-key"));
}

#[tokio::test]
async fn run_now_leads_to_the_job() {
    let fake = Fake::default();
    let (response, _) =
        submit(&fake, "/jobs", &format!("host={}&kind=backup&source_group={}", host_id(), group_id())).await;
    assert_eq!(location(&response), format!("/jobs/{}", job_id()));
    let (response, _) = submit(&fake, &format!("/jobs/{}/cancel", job_id()), "").await;
    assert_eq!(location(&response), format!("/jobs/{}?done=cancelled", job_id()));
}

#[tokio::test]
async fn refused_fields_are_told_beside_the_field_with_what_was_typed() {
    let refusal = Problem::new(Code::Invalid, "", "")
        .with_field("name", "“web 01” has a space")
        .with_field("includes[0]", "not absolute");
    let fake = Fake { refusal: Some(refusal), ..Fake::default() };
    let form = format!("name=web+01&includes=etc&repository={}&version=3", repository_id());
    let (response, body) = submit(&fake, &format!("/sources/{}", group_id()), &form).await;
    assert_eq!(response.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        body.contains("has a space")
            && body.contains("not absolute")
            && body.contains("value=\"web 01\"")
            && body.contains("aria-invalid=\"true\"")
    );
}

#[tokio::test]
async fn changes_name_the_version_they_change() {
    let fake = Fake::default();
    let (response, _) = submit(
        &fake,
        &format!("/hosts/{}/settings", host_id()),
        "name=web-01&tags=a+b&presence_mode=intermittent&version=7",
    )
    .await;
    assert_eq!(location(&response), format!("/hosts/{}/settings?done=host-updated", host_id()));
    let asked = fake.last("PUT", &format!("/api/v1/hosts/{}", host_id())).unwrap();
    assert_eq!(asked.headers[header::IF_MATCH], "\"7\"");
    let stale = Fake { refusal: Some(Problem::new(Code::Stale, "", "load it again")), ..Fake::default() };
    let (response, body) =
        submit(&stale, &format!("/repositories/{}", repository_id()), "name=a&location=b&version=1").await;
    assert_eq!(response.status(), StatusCode::PRECONDITION_FAILED);
    assert!(body.contains("Somebody changed it in the meantime") && body.contains("load it again"));
}

#[tokio::test]
async fn nothing_is_removed_without_the_typed_name() {
    let fake = Fake::default();
    for (address, path) in [
        (format!("/hosts/{}/delete", host_id()), format!("/api/v1/hosts/{}", host_id())),
        (
            format!("/repositories/{}/delete", repository_id()),
            format!("/api/v1/repositories/{}", repository_id()),
        ),
        (format!("/sources/{}/delete", group_id()), format!("/api/v1/source-groups/{}", group_id())),
    ] {
        let (_, body) = submit(&fake, &address, "confirm=other").await;
        assert!(body.contains("nothing was removed"), "{address}");
        assert!(fake.last("DELETE", &path).is_none(), "{address}");
        let name = if address.starts_with("/hosts") {
            "web-01"
        } else if address.starts_with("/sources") {
            "default"
        } else {
            "main"
        };
        let (response, _) = submit(&fake, &address, &format!("confirm={name}")).await;
        assert!(location(&response).contains("removed"));
        assert!(fake.last("DELETE", &path).is_some(), "{address}");
    }
}

#[tokio::test]
async fn every_other_form_reaches_its_endpoint() {
    let (host, repository, enrolment) = (host_id(), repository_id(), enrolment_id());
    let announced = crate::fake::pending_host_id();
    let freeze = crate::fake::id(restic_manager_proto::FreezeId::from_parts, 1);
    for (address, form, method, path) in [
        (
            "/settings/registration".to_owned(),
            "open=yes&announce=yes",
            "PUT",
            "/api/v1/registration".to_owned(),
        ),
        (
            format!("/hosts/pending/{announced}"),
            "fingerprint=7QX2&name=web-01&repository_choice=later",
            "POST",
            format!("/api/v1/pending-hosts/{announced}/accept"),
        ),
        (
            format!("/hosts/pending/{announced}/reject"),
            "",
            "POST",
            format!("/api/v1/pending-hosts/{announced}/reject"),
        ),
        (format!("/hosts/{host}/purge"), "confirm=web-01", "POST", format!("/api/v1/hosts/{host}/purge")),
        (format!("/hosts/{host}/token"), "", "POST", format!("/api/v1/hosts/{host}/token")),
        (format!("/hosts/{host}/invite"), "", "POST", format!("/api/v1/hosts/{host}/enrolment")),
        ("/logout".to_owned(), "", "DELETE", "/api/v1/session".to_owned()),
        (
            format!("/enrolments/{enrolment}/reissue"),
            "",
            "POST",
            format!("/api/v1/enrolments/{enrolment}/reissue"),
        ),
        (
            format!("/enrolments/{enrolment}/withdraw"),
            "",
            "DELETE",
            format!("/api/v1/enrolments/{enrolment}"),
        ),
        (
            format!("/hosts/{host}/repositories"),
            &format!("repository={repository}&location=sftp%3Aa%40b%3A%2Fx"),
            "PUT",
            format!("/api/v1/hosts/{host}/repositories/{repository}"),
        ),
        (
            format!("/hosts/{host}/repositories/{repository}/detach"),
            "",
            "DELETE",
            format!("/api/v1/hosts/{host}/repositories/{repository}"),
        ),
        (
            format!("/hosts/{host}/sources/new"),
            &format!("name=a&includes=%2Fa&repository={repository}"),
            "POST",
            format!("/api/v1/hosts/{host}/source-groups"),
        ),
        (
            format!("/hosts/{host}/repositories/{repository}/remake"),
            "",
            "POST",
            format!("/api/v1/hosts/{host}/repositories/{repository}/remake"),
        ),
        (
            format!("/repositories/{repository}/freezes"),
            "reason=Look%20first",
            "POST",
            format!("/api/v1/repositories/{repository}/freezes"),
        ),
        (
            format!("/repositories/{repository}/freezes/{freeze}/lift"),
            "",
            "DELETE",
            format!("/api/v1/repositories/{repository}/freezes/{freeze}"),
        ),
        (
            format!("/repositories/{repository}/locks/remove"),
            "lock=abab",
            "POST",
            format!("/api/v1/repositories/{repository}/upkeep/jobs"),
        ),
        (
            format!("/repositories/{repository}/password"),
            "password=x",
            "PUT",
            format!("/api/v1/repositories/{repository}/password"),
        ),
        (
            format!("/repositories/{repository}/credentials/everyday"),
            "credential_kind=none",
            "PUT",
            format!("/api/v1/repositories/{repository}/credentials/everyday"),
        ),
    ] {
        let fake = Fake::default();
        let (response, _) = submit(&fake, &address, form).await;
        assert!(response.status().is_redirection() || response.status().is_success(), "{address}");
        assert!(fake.last(method, &path).is_some(), "{address} does not call {method} {path}");
    }
}

#[tokio::test]
async fn a_schedule_is_sent_as_it_was_chosen() {
    let (fake, group) = (Fake::default(), group_id());
    let form = format!(
        "name=nightly&every=weekly&cron=nonsense&zone=Europe%2FVienna&misfire=run-if-older&age_hours=1.5\
         &jitter_minutes=10&enabled=yes&group-{group}=yes"
    );
    let address = format!("/hosts/{}/schedules/new", host_id());
    let (response, _) = submit(&fake, &address, &form).await;
    assert_eq!(location(&response), format!("/hosts/{}/schedules?done=schedule-added", host_id()));
    let asked = fake.last("POST", &format!("/api/v1/hosts/{}/schedules", host_id())).unwrap();
    let sent: serde_json::Value = serde_json::from_str(&asked.body).unwrap();
    let expected = serde_json::json!({
        "name": "nightly", "cron": "0 3 * * sun", "zone": "Europe/Vienna",
        "misfire": { "policy": "run-if-older", "seconds": 5400 }, "jitter_seconds": 600, "enabled": true,
        "source_groups": [group],
    });
    assert_eq!(sent, expected, "a preset says the times, whatever is in the text field");

    let form = format!("name=n&every=own&cron=5+4+*+*+*&zone=UTC&misfire=skip&version=5&group-{group}=yes");
    submit(&fake, &format!("/schedules/{}", schedule_id()), &form).await;
    let asked = fake.last("PUT", &format!("/api/v1/schedules/{}", schedule_id())).unwrap();
    let sent: serde_json::Value = serde_json::from_str(&asked.body).unwrap();
    assert_eq!((sent["cron"].as_str(), sent["enabled"].as_bool()), (Some("5 4 * * *"), Some(false)));
    assert_eq!(asked.headers[header::IF_MATCH], "\"5\"");
}

#[tokio::test]
async fn the_next_runs_are_shown_before_anything_is_saved() {
    let fake = Fake::default();
    let form = "name=typed&every=own&cron=5+4+*+*+*&zone=UTC&preview=yes";
    let (response, body) = submit(&fake, &format!("/hosts/{}/schedules/new", host_id()), form).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert!(body.contains("2026-11-23 02:30 CET") && body.contains("value=\"typed\""));
    let asked = fake.last("POST", "/api/v1/schedules/preview").unwrap();
    assert_eq!(asked.body, r#"{"cron":"5 4 * * *","zone":"UTC"}"#);
    assert!(fake.last("POST", &format!("/api/v1/hosts/{}/schedules", host_id())).is_none());
}

#[tokio::test]
async fn a_schedule_runs_now_by_its_button() {
    let fake = Fake::default();
    let (response, _) = submit(&fake, &format!("/schedules/{}/run", schedule_id()), "").await;
    assert_eq!(location(&response), format!("/jobs/{}", job_id()));
    let asked = fake.last("POST", "/api/v1/jobs").unwrap();
    assert!(asked.body.contains(&group_id().to_string()), "{}", asked.body);
}

#[tokio::test]
async fn colours_are_kept_in_a_cookie() {
    let (response, _) =
        submit(&Fake { role: Role::Viewer, ..Fake::default() }, "/settings/theme", "theme=dark").await;
    assert!(response.headers()[header::SET_COOKIE].to_str().unwrap().starts_with("rm_theme=dark;"));
    let mut request = get("/settings");
    request.headers_mut().insert(header::COOKIE, format!("{COOKIE}; rm_theme=dark").parse().unwrap());
    assert!(send(&Fake::default(), request).await.1.contains("data-theme=\"dark\""));
}

#[tokio::test]
async fn a_refused_secret_keeps_its_own_form_open_and_says_why_there() {
    let refusal =
        Problem::new(Code::Invalid, "", "").with_field("credential", "of another kind than the location");
    let fake = Fake { refusal: Some(refusal), ..Fake::default() };
    let address = format!("/repositories/{}/credentials/maintenance", repository_id());
    let (response, body) = submit(
        &fake,
        &address,
        "credential_kind=s3&credential_access_key_id=a&credential_secret_access_key=SECRET-VALUE",
    )
    .await;
    assert_eq!(response.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(body.matches("<details open").count(), 1);
    assert_eq!(body.matches("of another kind than the location").count(), 1);
    assert!(!body.contains("SECRET-VALUE"));
}

#[tokio::test]
async fn a_refused_field_that_the_form_does_not_show_is_told_above_it() {
    let refusal = Problem::new(Code::Invalid, "", "").with_field("colour", "not one of these");
    let fake = Fake { refusal: Some(refusal), ..Fake::default() };
    let form = "name=a&presence_mode=always-on&version=1";
    let (_, body) = submit(&fake, &format!("/hosts/{}/settings", host_id()), form).await;
    assert!(body.contains("colour: not one of these"));
}

#[tokio::test]
async fn a_new_password_is_typed_twice_and_proven_by_the_old_one() {
    let fake = Fake::default();
    let form = "current=old+one+of+mine&new=new+one+of+mine&repeated=new+one+of+mine";
    let (response, _) = submit(&fake, "/settings/account/password", form).await;
    assert_eq!(location(&response), "/settings/account?done=password");
    let asked = fake.last("PUT", "/api/v1/account/password").unwrap();
    assert_eq!(asked.body, r#"{"current":"old one of mine","new":"new one of mine"}"#);
    let form = "current=old+one+of+mine&new=SECRET-VALUE&repeated=other";
    let (response, body) = submit(&fake, "/settings/account/password", form).await;
    assert_eq!(response.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert!(body.contains("differs from the new password above") && !body.contains("SECRET-VALUE"));

    let mut problem = Problem::new(Code::BadCredentials, "the current password is wrong", "");
    problem.fields.push(restic_manager_proto::api::FieldProblem {
        field: "current".to_owned(),
        message: "this is not the password".to_owned(),
    });
    let fake = Fake { refusal: Some(problem), ..Fake::default() };
    let (response, body) = submit(&fake, "/settings/account/password", "current=a&new=b&repeated=b").await;
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    assert!(body.contains("this is not the password"), "the field says it, and nobody is sent to the login");
}

#[tokio::test]
async fn sessions_end_one_by_one_or_all_others_at_once() {
    let fake = Fake::default();
    let session = crate::fake::id(restic_manager_proto::SessionId::from_parts, 9);
    let (response, _) = submit(&fake, &format!("/settings/sessions/{session}/end"), "").await;
    assert_eq!(location(&response), "/settings/sessions?done=session-ended");
    assert!(fake.last("DELETE", &format!("/api/v1/account/sessions/{session}")).is_some());
    let (response, _) = submit(&fake, "/settings/sessions/end-others", "").await;
    assert_eq!(location(&response), "/settings/sessions?done=sessions-ended");
    assert!(fake.last("DELETE", "/api/v1/account/sessions").is_some());
    let (_, alone) = send(&Fake { empty: true, ..Fake::default() }, get("/settings/sessions")).await;
    assert!(alone.contains("this is your only session"));
}

/// Hosts that allow little.
fn strict() -> Fake {
    let mut rules = HostPolicy::default();
    rules.backup_roots = Some(vec!["/srv".to_owned()]);
    rules.repositories = Some(vec!["/mnt/**".to_owned()]);
    let policy = PolicyReport::of_file("/etc/restic-manager/policy.toml", "sha256:0", rules);
    Fake { policy: Some(policy), ..Fake::default() }
}

#[tokio::test]
async fn what_the_host_will_refuse_is_told_before_it_is_saved() {
    let (host, group, repository) = (host_id(), group_id(), repository_id());
    for (address, form, method, path, button) in [
        (
            format!("/hosts/{host}/sources/new"),
            format!("name=a&includes=%2Fetc&repository={repository}"),
            "POST",
            format!("/api/v1/hosts/{host}/source-groups"),
            "Save all the same",
        ),
        (
            format!("/sources/{group}"),
            format!("name=a&includes=%2Fetc&repository={repository}&version=3"),
            "PUT",
            format!("/api/v1/source-groups/{group}"),
            "Save all the same",
        ),
        (
            format!("/hosts/{host}/repositories"),
            format!("repository={repository}&location=%2Felsewhere"),
            "PUT",
            format!("/api/v1/hosts/{host}/repositories/{repository}"),
            "Attach all the same",
        ),
    ] {
        let fake = strict();
        let (_, body) = submit(&fake, &address, &form).await;
        assert!(body.contains("The host will refuse this") && body.contains(button), "{address}: {body}");
        assert!(fake.last(method, &path).is_none(), "{address} saved at once");
        submit(&fake, &address, &format!("{form}&despite_policy=yes")).await;
        assert!(fake.last(method, &path).is_some(), "{address} does not save");
        let fine = form.replace("%2Fetc", "%2Fsrv%2Fx").replace("%2Felsewhere", "%2Fmnt%2Fx");
        let fake = strict();
        submit(&fake, &address, &fine).await;
        assert!(fake.last(method, &path).is_some(), "{address} warns for nothing");
    }
}

#[tokio::test]
async fn a_host_shows_what_it_allows() {
    let address = format!("/hosts/{}/settings", host_id());
    let (_, body) = send(&strict(), get(&address)).await;
    assert!(body.contains("What this host allows") && body.contains("/mnt/**") && body.contains("sha256:0"));
    let policy = PolicyReport::unusable("/etc/restic-manager/policy.toml", "others may write it");
    let (_, body) = send(&Fake { policy: Some(policy), ..Fake::default() }, get(&address)).await;
    assert!(body.contains("this host refuses everything") && body.contains("others may write it"));
}

#[tokio::test]
async fn adding_a_user_shows_the_link_once() {
    let fake = Fake::default();
    let (response, body) = submit(&fake, "/settings/users/new", "name=bob&role=operator&scope=all").await;
    assert_eq!(response.status(), StatusCode::OK);
    assert!(body.contains("https://backup.example.com/setup#rmu_one-time-token"));
    assert_eq!(
        fake.last("POST", "/api/v1/users").unwrap().body,
        r#"{"name":"bob","role":"operator","scope":{"kind":"all"}}"#
    );
    let user = crate::fake::user_id();
    let (_, body) = submit(&fake, &format!("/settings/users/{user}/setup-link"), "").await;
    assert!(body.contains("setup#rmu_one-time-token"));
    let (_, later) = send(&fake, get(&format!("/settings/users/{user}"))).await;
    assert!(!later.contains("rmu_one-time-token"));
    let refusal = Problem::new(Code::Conflict, "there is somebody named bob already", "choose another name");
    let fake = Fake { refusal: Some(refusal), ..Fake::default() };
    let (response, body) = submit(&fake, "/settings/users/new", "name=bob&role=operator&scope=all").await;
    assert_eq!(response.status(), StatusCode::CONFLICT);
    assert!(body.contains("There is somebody named bob already.") && body.contains("value=\"bob\""));
}

#[tokio::test]
async fn a_user_is_changed_at_the_version_that_was_shown() {
    let (fake, user) = (Fake::default(), crate::fake::user_id());
    let (page, api) = (format!("/settings/users/{user}"), format!("/api/v1/users/{user}"));
    let (response, _) = submit(&fake, &page, "role=admin&scope=all&version=2").await;
    assert_eq!(location(&response), format!("{page}?done=user-updated"));
    let asked = fake.last("PUT", &api).unwrap();
    assert_eq!(
        (asked.body.as_str(), &asked.headers["if-match"]),
        (r#"{"role":"admin","scope":{"kind":"all"},"disabled":false}"#, &"\"2\"".parse().unwrap())
    );
    let (response, _) = submit(&fake, &format!("{page}/refuse"), "confirm=somebody-else").await;
    assert_eq!(response.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let (response, _) = submit(&fake, &format!("{page}/refuse"), "confirm=web-01").await;
    assert_eq!(location(&response), format!("{page}?done=user-refused"));
    assert_eq!(fake.last("PUT", &api).unwrap().body, r#"{"role":"operator","disabled":true}"#);
    let last = Problem::new(Code::Conflict, "ada is the last admin who can sign in", "make another");
    let fake = Fake { refusal: Some(last), ..Fake::default() };
    let (response, body) = submit(&fake, &page, "role=viewer&scope=all&version=2").await;
    assert_eq!(response.status(), StatusCode::CONFLICT);
    assert!(body.contains("Ada is the last admin who can sign in."));
}

#[tokio::test]
async fn a_setup_link_is_followed_in_two_steps_and_signs_in() {
    let fake = Fake::default();
    let (_, body) = send(&fake, get("/setup")).await;
    assert!(body.contains("data-token-form"));
    let (response, body) = send(&fake, post("/setup", "token=rmu_x")).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert!(body.contains("Welcome, web-01") && body.contains("value=\"rmu_x\""));
    let form = "token=rmu_x&password=long+enough+one&repeated=other";
    let (response, body) = send(&fake, post("/setup", form)).await;
    assert_eq!(response.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert!(body.contains("differs from the password above") && !body.contains("long enough one"));
    let form = "token=rmu_x&password=long+enough+one&repeated=long+enough+one";
    let (response, _) = send(&fake, post("/setup", form)).await;
    assert_eq!(location(&response), "/?done=setup");
    assert_eq!(
        fake.last("POST", "/api/v1/setup").unwrap().body,
        r#"{"token":"rmu_x","password":"long enough one"}"#
    );
    let refusal = Problem::new(Code::BadCredentials, "", "");
    let fake = Fake { refusal: Some(refusal), ..Fake::default() };
    let (response, body) = send(&fake, post("/setup", "token=rmu_x")).await;
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    assert!(body.contains("This link opens nothing") && !body.contains("rmu_x"));
}

#[tokio::test]
async fn a_browser_that_signs_in_says_that_it_was_here_before() {
    let fake = Fake::default();
    let mut request = post("/login", "name=ada&password=correct+horse");
    let cookies = format!("{}; __Host-rm_device=abc.def; other=1", crate::fake::COOKIE);
    request.headers_mut().insert(header::COOKIE, cookies.parse().unwrap());
    send(&fake, request).await;
    let asked = fake.last("POST", "/api/v1/session").unwrap();
    assert_eq!(asked.headers[header::COOKIE], "__Host-rm_device=abc.def");
}

#[tokio::test]
async fn an_announced_host_is_accepted_with_the_fingerprint_that_was_shown() {
    let (fake, id) = (Fake::default(), crate::fake::pending_host_id());
    let form = format!(
        "fingerprint=7QX2-M4KD&name=web-1&tags=prod&presence_mode=intermittent&repository_choice=existing&repository={}\
         &includes=%2Fsrv",
        repository_id()
    );
    let (response, _) = submit(&fake, &format!("/hosts/pending/{id}"), &form).await;
    assert!(location(&response).ends_with("?done=host-accepted"));
    let asked = fake.last("POST", &format!("/api/v1/pending-hosts/{id}/accept")).unwrap();
    let body: serde_json::Value = serde_json::from_str(&asked.body).unwrap();
    let wanted = serde_json::json!({
        "fingerprint": "7QX2-M4KD", "host_name": "web-1", "tags": ["prod"], "presence_mode": "intermittent",
        "repositories": [{ "repository": repository_id(), "location": null }], "include_paths": ["/srv"],
    });
    assert_eq!(body, wanted);

    let changed =
        Problem::new(Code::Conflict, "this is not the fingerprint of the announced host", "compare");
    let fake = Fake { refusal: Some(changed), ..Fake::default() };
    let (response, body) = submit(&fake, &format!("/hosts/pending/{id}"), &form).await;
    assert_eq!(response.status(), StatusCode::CONFLICT);
    assert!(body.contains("not the fingerprint of the announced host") && body.contains("value=\"web-1\""));
}

#[tokio::test]
async fn nothing_is_purged_without_the_typed_name() {
    let fake = Fake { removed: true, ..Fake::default() };
    let address = format!("/hosts/{}/purge", host_id());
    let (_, body) = submit(&fake, &address, "confirm=other").await;
    assert!(body.contains("nothing was removed"));
    assert!(fake.last("POST", &format!("/api/v1{address}")).is_none());
}

#[tokio::test]
async fn what_is_chosen_in_folders_becomes_a_restore() {
    let fake = Fake::default();
    let (host, repository) = (host_id(), crate::fake::repository_id());
    let snapshot = "9e8d7c6b".repeat(8);
    let own = format!("/hosts/{host}/snapshots/{repository}/{snapshot}");
    let (_, body) = send(&fake, get(&format!("{own}?path=/srv/www&pick.c0=/etc/hosts"))).await;
    assert!(body.contains("value=\"/srv/www/index.html\"") && body.contains("1 chosen"), "{body}");
    assert!(body.contains("name=\"pick.c0\" value=\"/etc/hosts\""), "what is chosen goes along");
    assert!(body.contains("value=\"base64url:"), "a name that is no text is chosen by its bytes");
    assert!(!body.contains("caf\u{fffd}\" aria-label"), "a name that is not known cannot be chosen");

    let (_, form) =
        send(&fake, get(&format!("{own}/restore?pick.0=/srv/www/index.html&pick.c0=/etc/hosts"))).await;
    assert!(form.contains("/etc/hosts\n/srv/www/index.html</textarea>"), "{form}");
    let fields = format!(
        "paths=/etc/hosts%0a/srv/www/index.html&target=original&folder=&to={host}&overwrite=always&confirm=web-01&\
         back_up_first=yes&verify=yes"
    );
    let (response, planned) = submit(&fake, &format!("{own}/restore"), &format!("{fields}&act=plan")).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert!(planned.contains("newer here") && planned.contains("Restore exactly this"), "{planned}");
    assert!(fake.last("POST", &format!("/api/v1/hosts/{host}/restores")).is_none(), "nothing is done yet");
    let blocked = Fake { blocked: true, ..Fake::default() };
    let (_, planned) = submit(&blocked, &format!("{own}/restore"), &format!("{fields}&act=plan")).await;
    assert!(planned.contains("in the way") && !planned.contains("Restore exactly this"), "{planned}");

    let plan = format!("sha256%3A{}", "c".repeat(64));
    let (response, _) = submit(&fake, &format!("{own}/restore"), &format!("{fields}&plan={plan}")).await;
    assert!(location(&response).starts_with("/jobs/"));
    let asked = fake.last("POST", &format!("/api/v1/hosts/{host}/restores")).unwrap();
    let asked: serde_json::Value = serde_json::from_str(&asked.body).unwrap();
    let wanted = serde_json::json!({
        "repository": repository, "snapshot_host": null, "confirm": "web-01",
        "restore": { "snapshot": snapshot, "paths": ["/etc/hosts", "/srv/www/index.html"],
            "target": { "kind": "original" }, "overwrite": "always", "verify": true, "back_up_first": true,
            "plan": format!("sha256:{}", "c".repeat(64)) },
    });
    assert_eq!(asked, wanted);
}
