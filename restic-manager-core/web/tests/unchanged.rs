//! What nobody changed stays as it is, whatever it holds, and what was typed stays typed.

use http::StatusCode;
use restic_manager_proto::{
    api::{
        Code, Problem,
        source_groups::{SourceGroup, SourceGroupChange},
    },
    vocabulary::Health,
};
use serde_json::{Value, json};

use crate::{
    browser::{encoded, untouched},
    fake::{Fake, command_group_id, group_id, host_id, id, repository_id, schedule_id},
    forms::submit,
    pages::{addresses, get, send},
};

/// Texts that a path, a pattern, a word of a command or a script may be.
const HOSTILE: &[&str] = &[
    "/srv/plain",
    "/srv/a\rb",
    "/srv/a\r\nb",
    "/srv/a\nb",
    "/srv/\r",
    "\n/srv",
    "/نیم\u{200c}فاصله",
    "/👩\u{200d}💻",
    "/soft\u{ad}hyphen",
    "/invoice\u{202e}fdp.exe",
    "/tab\there\t",
    "  /leading",
    "/trailing  ",
    " ",
    "-dash",
    "--",
    "\"quoted\"",
    "\"\\u0041\"",
    "it's <b>&amp;</b> \"x\"",
    "‹U+200C›\u{240d}",
    "\u{feff}\u{a0}",
    "\u{1b}[2J",
    "a\u{85}b\u{2028}c",
    "back\\slash",
];

/// Opens the page, sends the form as it came, and gives what the API was asked.
async fn saved(fake: &Fake, page: &str, action: &str, api: &str) -> Value {
    let (_, body) = send(fake, get(page)).await;
    let fields = untouched(&body, action);
    let fields: Vec<_> = fields.into_iter().filter(|(name, _)| name != "csrf_token").collect();
    let (response, body) = submit(fake, action, &encoded(&fields)).await;
    assert!(response.status().is_redirection(), "{action}: {body}");
    serde_json::from_str(&fake.last("PUT", api).unwrap_or_else(|| panic!("{api} was not asked")).body)
        .unwrap()
}

fn change_of(group: SourceGroup) -> Value {
    let SourceGroup { name, includes, excludes, options, repository, retention, .. } = group;
    let repository = repository.id;
    serde_json::to_value(SourceGroupChange { name, includes, excludes, options, repository, retention })
        .unwrap()
}

#[tokio::test]
async fn saving_without_a_change_changes_nothing() {
    let (host, repository) = (host_id(), repository_id());
    let (group, command, schedule) = (group_id(), command_group_id(), schedule_id());
    for text in HOSTILE {
        let fake =
            Fake { stored: Some((*text).to_owned()), more_hosts: 3, two_groups: true, ..Fake::default() };
        let saved = |page: String, api: String| {
            let fake = &fake;
            async move { saved(fake, &page, &page, &format!("/api/v1{api}")).await }
        };
        let (sources, commands) = (format!("/sources/{group}"), format!("/sources/{command}"));
        let (api, of_command) = (format!("/source-groups/{group}"), format!("/source-groups/{command}"));
        assert_eq!(saved(sources.clone(), api.clone()).await, change_of(fake.group()), "{text:?}");
        assert_eq!(
            saved(commands.clone(), of_command.clone()).await,
            change_of(fake.command_group()),
            "{text:?}"
        );
        let command = serde_json::to_value(fake.command_group().command).unwrap();
        assert_eq!(saved(commands + "/command", of_command + "/command").await, command, "{text:?}");
        let hooks = serde_json::to_value(fake.hooks().hooks).unwrap();
        assert_eq!(saved(sources + "/hooks", api + "/hooks").await, hooks, "{text:?}");
        let of_host = format!("/hosts/{host}/hooks");
        assert_eq!(saved(of_host.clone(), of_host).await, hooks, "{text:?}");

        let kept = serde_json::to_value(fake.schedule()).unwrap();
        let sent = saved(format!("/schedules/{schedule}"), format!("/schedules/{schedule}")).await;
        for field in ["name", "cron", "zone", "misfire", "jitter_seconds", "bandwidth", "enabled"] {
            assert_eq!(sent[field], kept[field], "{field}");
        }
        assert_eq!(sent["source_groups"], json!([group, command_group_id()]));

        let kept = serde_json::to_value(fake.host(Health::Failing, 1)).unwrap();
        let sent =
            saved_at(&fake, &format!("/hosts/{host}/settings"), &format!("/api/v1/hosts/{host}")).await;
        for field in ["name", "tags", "presence_mode", "bandwidth"] {
            assert_eq!(sent[field], kept[field], "{field}");
        }

        let kept = fake.repository();
        let page = format!("/repositories/{repository}");
        let sent = saved(page.clone(), page.clone()).await;
        assert_eq!(sent, json!({ "name": kept.name, "location": kept.location }));
        let upkeep = format!("{page}/upkeep");
        let sent = saved_from(&fake, &page, &upkeep).await;
        assert_eq!(sent["runner"], json!(kept.upkeep.runner.as_ref().map(|runner| runner.id)));
        for duty in &kept.upkeep.duties {
            let field = format!("{}_every_hours", duty.kind.as_str().replace('-', "_"));
            assert_eq!(sent[&field], json!(duty.every_hours), "{field}");
        }
        assert_eq!((&sent["check_parts"], &sent["parallel"]), (&json!(20), &Value::Null));
    }
}

async fn saved_at(fake: &Fake, page: &str, api: &str) -> Value {
    saved(fake, page, page, api).await
}

async fn saved_from(fake: &Fake, page: &str, action: &str) -> Value {
    saved(fake, page, action, &format!("/api/v1{action}")).await
}

#[tokio::test]
async fn what_was_typed_and_refused_is_stored_right_once_the_slip_is_mended() {
    let (host, group, repository) = (host_id(), group_id(), repository_id());
    for (action, form, method, api, list) in [
        (
            format!("/hosts/{host}/sources/new"),
            format!(
                "name=web+01&includes=%2Fetc%0D%0A%2Fsrv&excludes=*.tmp%0D%0A*.iso&repository={repository}"
            ),
            "POST",
            format!("/api/v1/hosts/{host}/source-groups"),
            "includes",
        ),
        (
            format!("/sources/{group}"),
            format!(
                "name=+&includes=%2Fetc%0D%0A%2Fsrv&excludes=*.tmp%0D%0A*.iso&repository={repository}&version=3"
            ),
            "PUT",
            format!("/api/v1/source-groups/{group}"),
            "includes",
        ),
        (
            "/hosts/new".to_owned(),
            "name=web+01&presence_mode=always-on&repository_choice=later&includes=%2Fetc%0D%0A%2Fsrv"
                .to_owned(),
            "POST",
            "/api/v1/enrolments".to_owned(),
            "include_paths",
        ),
    ] {
        let refusal = Problem::new(Code::Invalid, "", "").with_field("name", "has a space");
        let refusing = Fake { refusal: Some(refusal), ..Fake::default() };
        let (response, body) = submit(&refusing, &action, &form).await;
        assert_eq!(response.status(), StatusCode::UNPROCESSABLE_ENTITY, "{action}");
        assert!(!body.contains('\u{240d}'), "{action}: no picture of a control character is in a field");
        let mut fields = untouched(&body, &action);
        fields.retain(|(name, _)| name != "csrf_token");
        for (name, value) in &mut fields {
            if name == "name" {
                "web-01".clone_into(value);
            }
        }
        let fake = Fake::default();
        let (response, body) = submit(&fake, &action, &encoded(&fields)).await;
        assert!(response.status().is_redirection() || response.status().is_success(), "{action}: {body}");
        let sent: Value = serde_json::from_str(&fake.last(method, &api).unwrap().body).unwrap();
        assert_eq!(sent[list], json!(["/etc", "/srv"]), "{action}");
        if list == "includes" {
            assert_eq!(sent["excludes"], json!(["*.tmp", "*.iso"]), "{action}");
        }
    }
}

#[tokio::test]
async fn a_field_says_what_it_holds_that_nobody_sees() {
    let fake = Fake { stored: Some("/a\u{200c}b".to_owned()), ..Fake::default() };
    let (_, body) = send(&fake, get(&format!("/sources/{}", group_id()))).await;
    assert_eq!(body.matches("Holds characters that cannot be seen: U+200C.").count(), 2);
    assert!(body.contains("/a\u{200c}b") && !body.contains("‹U+200C›"));
    let (_, body) = send(&fake, get(&format!("/hosts/{}/sources", host_id()))).await;
    assert!(body.contains("/a‹U+200C›b"), "where it is only shown, it is made visible");
}

#[tokio::test]
async fn each_call_of_one_form_has_a_key_of_its_own() {
    let fake = Fake { two_groups: true, ..Fake::default() };
    let keys = |fake: &Fake| -> Vec<String> {
        let asked = fake.asked.lock().unwrap();
        let jobs = asked.iter().filter(|asked| asked.method == "POST" && asked.uri == "/api/v1/jobs");
        jobs.map(|asked| asked.headers["idempotency-key"].to_str().unwrap().to_owned()).collect()
    };
    let run = format!("/schedules/{}/run", schedule_id());
    submit(&fake, &run, "once=abc").await;
    let first = keys(&fake);
    assert_eq!(first.len(), 2);
    assert_ne!(first[0], first[1], "the second group is another call");
    submit(&fake, &run, "once=abc").await;
    assert_eq!(keys(&fake)[2..], first, "sent twice, it is done once");
}

#[tokio::test]
async fn a_form_sent_twice_is_the_same_call_a_little_later() {
    let fake = Fake::default();
    let form = format!("csrf_token={}&once=abc&name=ci&role=viewer&scope=all&life=30", crate::fake::CSRF);
    let mut keys = Vec::new();
    for seconds in [0, 7] {
        let later = move || crate::fake::now().after(std::time::Duration::from_secs(seconds));
        let web = restic_manager_web::web(fake.clone()).with_clock(later);
        crate::pages::through(&web, crate::pages::post("/settings/tokens", &form)).await;
        keys.push(fake.last("POST", "/api/v1/api-tokens").unwrap().headers["idempotency-key"].clone());
    }
    assert_eq!(keys[0], keys[1]);
}

#[tokio::test]
async fn the_next_runs_are_there_when_the_page_is_opened_and_leave_nothing_behind() {
    let fake = Fake::default();
    for page in [format!("/hosts/{}/schedules/new", host_id()), format!("/schedules/{}", schedule_id())] {
        let (_, body) = send(&fake, get(&page)).await;
        assert!(body.contains("2026-11-23 02:30 CET") && !body.contains("f-preview-error"), "{page}");
    }
    let form = "once=abc&name=n&every=own&cron=5+4+*+*+*&zone=UTC&preview=yes";
    submit(&fake, &format!("/hosts/{}/schedules/new", host_id()), form).await;
    let asked = fake.last("POST", "/api/v1/schedules/preview").unwrap();
    assert!(
        !asked.headers.contains_key("idempotency-key"),
        "an answer that is kept would be shown for other times"
    );
}

#[tokio::test]
async fn a_part_of_the_hosts_is_never_told_as_all_and_the_runner_stays() {
    let page = format!("/repositories/{}", repository_id());
    let (_, body) = send(&Fake { more_hosts: 118, ..Fake::default() }, get(&page)).await;
    assert!(body.contains("opens for 1 of the first 2 of 120 hosts"), "{body}");
    let runner = id(restic_manager_proto::HostId::from_parts, 99);
    assert!(body.contains(&format!("<option value=\"{runner}\" selected>far-away</option>")));
    let fake = Fake::default();
    let (response, body) = submit(&fake, &format!("{page}/upkeep"), "version=4&runner=nobody").await;
    assert_eq!(response.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert!(body.contains("runner: ") || body.contains("choose one of the hosts"));
    assert!(fake.last("PUT", &format!("/api/v1{page}/upkeep")).is_none(), "no runner would mean any host");
}

#[tokio::test]
async fn whatever_the_api_refuses_is_told_on_the_page_of_the_form() {
    let (host, repository) = (host_id(), repository_id());
    let (group, command, schedule, user) =
        (group_id(), command_group_id(), schedule_id(), crate::fake::user_id());
    let channel = format!("/settings/notifications/channels/{}", crate::fake::notifications::channel_id());
    let route = format!("/settings/notifications/routes/{}", crate::fake::notifications::route_id());
    const ROUTE: &[&str] = &[
        "name",
        "place",
        "severity",
        "kinds",
        "scope",
        "repositories",
        "channels",
        "timing",
        "digest_at",
        "zone",
        "quiet.from",
        "quiet.until",
        "quiet.unless",
    ];
    const OPTIONS: &[&str] =
        &["options.retry.attempts", "options.retry.delay_seconds", "options.one_file_system"];
    const LIMITS: &[&str] = &["bandwidth.upload_kib", "bandwidth.download_kib"];
    const TIMES: &[&str] = &["cron", "zone", "misfire", "jitter_seconds", "enabled", "source_groups"];
    const UPKEEP: &[&str] =
        &["runner", "forget_every_hours", "deletion_test_every_hours", "check_parts", "parallel"];
    const GROUP: &[&str] =
        &["name", "includes.1", "excludes", "repository", "retention.last", "retention.within_daily"];
    const HOST: &[&str] =
        &["host_name", "tags", "presence_mode", "repositories", "include_paths.0", "name", "location"];
    for (page, action, fields) in [
        (format!("/hosts/{host}/settings"), None, [&["name", "tags", "presence_mode"], LIMITS].concat()),
        (format!("/sources/{group}"), None, [GROUP, OPTIONS].concat()),
        (format!("/hosts/{host}/sources/new"), None, [GROUP, OPTIONS].concat()),
        (format!("/sources/{command}/command"), None, vec!["shell", "words.0", "file_name"]),
        (
            format!("/hosts/{host}/sources/new-command"),
            None,
            [&["name", "command.shell", "command.words", "command.file_name", "repository"], OPTIONS]
                .concat(),
        ),
        (format!("/hosts/{host}/hooks"), None, vec!["pre.shell", "pre.script", "post.timeout_seconds"]),
        (format!("/schedules/{schedule}"), None, [&["name"], TIMES, LIMITS].concat()),
        (format!("/repositories/{repository}"), None, vec!["name", "location"]),
        (format!("/repositories/{repository}"), Some("/upkeep"), UPKEEP.to_vec()),
        (format!("/repositories/{repository}"), Some("/password"), vec!["password"]),
        (format!("/repositories/{repository}"), Some("/credentials/maintenance"), vec!["credential"]),
        ("/repositories/new".to_owned(), None, vec!["name", "location", "password", "everyday"]),
        ("/hosts/new".to_owned(), None, HOST.to_vec()),
        (format!("/hosts/pending/{}", crate::fake::pending_host_id()), None, HOST.to_vec()),
        (format!("/hosts/{host}/repositories"), None, vec!["repository", "location"]),
        ("/settings/users/new".to_owned(), None, vec!["name", "role", "scope"]),
        (format!("/settings/users/{user}"), None, vec!["role", "scope", "disabled"]),
        ("/settings/tokens".to_owned(), None, vec!["name", "role", "scope", "expires_at"]),
        ("/settings/account".to_owned(), Some("/password"), vec!["current", "new"]),
        (channel.clone(), None, vec!["name", "fields.host", "fields.security", "secrets.password"]),
        (route.clone(), None, ROUTE.to_vec()),
        ("/settings/notifications/routes/new".to_owned(), None, ROUTE.to_vec()),
        (
            "/settings/notifications/silences/new".to_owned(),
            None,
            vec!["reason", "until", "severity", "kinds", "scope", "repositories"],
        ),
    ] {
        let mut refusal = Problem::new(Code::Invalid, "", "");
        for field in &fields {
            refusal = refusal.with_field(*field, format!("refused-{field}!"));
        }
        let action = format!("{page}{}", action.unwrap_or_default());
        let (_, body) = send(&Fake::default(), get(&page)).await;
        let mut sent = untouched(&body, &action);
        sent.retain(|(name, _)| name != "csrf_token");
        for (name, value) in &mut sent {
            match name.as_str() {
                "includes" => "/a\n/b".clone_into(value),
                "repository_choice" => "later".clone_into(value),
                "rest_url" => "https://b/".clone_into(value),
                "credential_username" => "u".clone_into(value),
                "repository" if value.is_empty() => *value = repository.to_string(),
                _ => {}
            }
        }
        let fake = Fake { refusal: Some(refusal), ..Fake::default() };
        let (response, body) = submit(&fake, &action, &encoded(&sent)).await;
        assert_eq!(response.status(), StatusCode::UNPROCESSABLE_ENTITY, "{action}: {body}");
        for field in &fields {
            assert!(body.contains(&format!("refused-{field}!")), "{action} keeps {field} to itself: {body}");
        }
    }
}

#[tokio::test]
async fn words_that_no_page_offered_are_refused_and_not_replaced() {
    let (host, user, fake) = (host_id(), crate::fake::user_id(), Fake::default());
    for (address, form, method, api) in [
        (
            format!("/hosts/{host}/settings"),
            "name=a&presence_mode=sometimes",
            "PUT",
            format!("/hosts/{host}"),
        ),
        (
            format!("/hosts/{host}/schedules/new"),
            "name=a&cron=1+1+*+*+*&every=own&zone=UTC&misfire=later",
            "POST",
            format!("/hosts/{host}/schedules"),
        ),
        ("/settings/users/new".to_owned(), "name=a&role=king&scope=all", "POST", "/users".to_owned()),
        ("/settings/users/new".to_owned(), "name=a&role=viewer&scope=", "POST", "/users".to_owned()),
        (format!("/settings/users/{user}"), "role=king&scope=all&version=2", "PUT", format!("/users/{user}")),
        ("/settings/tokens".to_owned(), "name=a&life=30&scope=all", "POST", "/api-tokens".to_owned()),
        ("/settings/maintenance".to_owned(), "reason=a&length=4&scope=", "POST", "/maintenance".to_owned()),
        ("/jobs".to_owned(), "kind=dance", "POST", "/jobs".to_owned()),
        ("/hosts/new".to_owned(), "name=a&repository_choice=any", "POST", "/enrolments".to_owned()),
    ] {
        let (response, body) = submit(&fake, &address, form).await;
        assert_eq!(response.status(), StatusCode::UNPROCESSABLE_ENTITY, "{address}: {body}");
        assert!(body.contains("choose one of"), "{address}: it says so: {body}");
        assert!(fake.last(method, &format!("/api/v1{api}")).is_none(), "{address}");
    }
}

#[tokio::test]
async fn without_script_no_page_loads_itself_anew_over_something_typed_or_shown_once() {
    let reloads = "http-equiv=\"refresh\"";
    let fake = Fake::default();
    let mut some = false;
    for address in addresses() {
        let (_, body) = send(&fake, get(&address)).await;
        if !body.contains(reloads) {
            continue;
        }
        some = true;
        for form in body.split("<form").skip(1).map(|form| form.split("</form>").next().unwrap()) {
            let typed = ["<textarea", "<select", "type=\"text\"", "type=\"password\"", "type=\"radio\""];
            let run = form.contains("id=\"run-group\"");
            assert!(run || typed.iter().all(|field| !form.contains(field)), "{address}: {form}");
        }
    }
    assert!(some, "live pages are loaded again");
    let form = "name=web-01&presence_mode=always-on&repository_choice=later";
    let (_, body) = submit(&fake, "/hosts/new", form).await;
    assert!(body.contains("rme_one-time-token") && !body.contains(reloads), "the token is shown once");
}

#[tokio::test]
async fn after_a_wrong_code_the_passkey_is_still_offered() {
    let fake = Fake { refusal: Some(Problem::new(Code::BadCredentials, "", "")), ..Fake::default() };
    let form =
        "pending=p&code=000000&next=%2F&code_offered=yes&passkey_request=%7B%22challenge%22%3A%22Yw%22%7D";
    let (_, body) = send(&fake, crate::pages::post("/login/second", form)).await;
    assert!(body.contains("data-passkey=\"get\"") && body.contains("name=\"code\""), "{body}");
    let answer = r#"{"challenge":"Yw","credential":"aQ","client_data":"ZA","authenticator_data":"YQ","signature":"cw","user":"dQ"}"#;
    let answer: String = form_urlencoded::byte_serialize(answer.as_bytes()).collect();
    let form = format!("pending=p&passkey={answer}&passkey_request=x");
    let (_, body) = send(&fake, crate::pages::post("/login/second", &form)).await;
    assert!(
        body.contains("start again") && !body.contains("data-passkey"),
        "a challenge is good once: {body}"
    );
}

#[tokio::test]
async fn what_failed_for_a_while_can_be_sent_again_as_it_was() {
    let down = Problem::new(Code::Unavailable, "", "try again");
    let failing = Fake { refusal: Some(down), ..Fake::default() };
    let web = restic_manager_web::web(failing.clone()).with_clock(crate::fake::now);
    let action = format!("/jobs/{}/cancel", crate::fake::job_id());
    let post = |form: String| crate::pages::post(&action, &form);
    let (response, body) =
        crate::pages::through(&web, post(format!("csrf_token={}&x=kept", crate::fake::CSRF))).await;
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(body.contains("Send it again") && body.contains("class=\"rail\""), "inside the frame: {body}");
    let again = encoded(&untouched(&body, &action));
    let before = failing.asked.lock().unwrap().len();
    crate::pages::through(&web, post(again)).await;
    let asked = failing.asked.lock().unwrap();
    assert!(asked[before..].iter().any(|asked| asked.method == "POST" && asked.uri.ends_with("/cancel")));
}

#[test]
fn every_value_in_a_template_is_written_as_it_is() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/templates");
    let mut folders = vec![std::path::PathBuf::from(folder)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            for value in text.split(" value=\"{{ ").skip(1).filter_map(|rest| rest.split(" }}").next()) {
                let figure = value == "state.fraction";
                assert!(figure || value.ends_with("|exact"), "{}: {value}", path.display());
            }
        }
    }
}
