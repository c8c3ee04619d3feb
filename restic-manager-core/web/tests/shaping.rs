//! Forms that shape backups: hooks, commands, speed limits, retries and what is left out.

use http::{StatusCode, header};
use restic_manager_proto::api::{Code, Problem};
use serde_json::{Value, json};

use crate::{
    fake::{CSRF, Fake, command_group_id, group_id, host_id, repository_id},
    pages::{get, post, send},
};

async fn submit(fake: &Fake, address: &str, form: &str) -> (http::Response<()>, String) {
    send(fake, post(address, &format!("csrf_token={CSRF}&{form}"))).await
}

fn sent(fake: &Fake, method: &str, path: &str) -> Value {
    let asked = fake.last(method, &format!("/api/v1/{path}")).expect("it was asked");
    serde_json::from_str(&asked.body).expect("a body of JSON")
}

#[tokio::test]
async fn hooks_are_sent_with_unix_lines_and_no_shell_means_none() {
    let fake = Fake::default();
    let form = "version=2&pre_shell=bash&pre_script=set+-e%0D%0Aecho+a%26b%0D%0A&pre_timeout=30&post_shell=&post_script=x&post_timeout=9";
    for (address, path) in [
        (format!("/hosts/{}/hooks", host_id()), format!("hosts/{}/hooks", host_id())),
        (format!("/sources/{}/hooks", group_id()), format!("source-groups/{}/hooks", group_id())),
    ] {
        let (response, _) = submit(&fake, &address, form).await;
        assert_eq!(response.status(), StatusCode::SEE_OTHER);
        let expected =
            json!({ "pre": { "shell": "bash", "script": "set -e\necho a&b\n", "timeout_seconds": 30 } });
        assert_eq!(sent(&fake, "PUT", &path), expected);
        let asked = fake.last("PUT", &format!("/api/v1/{path}")).unwrap();
        assert_eq!(asked.headers[header::IF_MATCH], "\"2\"");
        submit(&fake, &format!("{address}/remove"), "").await;
        assert!(fake.last("DELETE", &format!("/api/v1/{path}")).is_some());
    }
}

#[tokio::test]
async fn a_refused_hook_is_shown_again_as_it_was_typed() {
    let refusal =
        Problem::new(Code::Invalid, "", "").with_field("post.timeout_seconds", "1 to 86400 seconds");
    let fake = Fake { refusal: Some(refusal), ..Fake::default() };
    let form = "version=2&pre_shell=&pre_script=&pre_timeout=1&post_shell=sh&post_script=typed+text&post_timeout=99999";
    let (response, body) = submit(&fake, &format!("/hosts/{}/hooks", host_id()), form).await;
    assert_eq!(response.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        body.contains("1 to 86400 seconds")
            && body.contains("typed text")
            && body.contains("value=\"99999\"")
    );
}

#[tokio::test]
async fn ticked_presets_are_patterns_and_patterns_tick_presets() {
    let fake = Fake::default();
    let form = format!(
        "name=web&includes=%2Fsrv&excludes=*.iso%0D%0A*.tmp&preset-temporary=yes&exclude_caches=yes&attempts=4&delay_seconds=60&repository={}&version=3",
        repository_id()
    );
    submit(&fake, &format!("/sources/{}", group_id()), &form).await;
    let change = sent(&fake, "PUT", &format!("source-groups/{}", group_id()));
    assert_eq!(change["excludes"], json!(["*.iso", "*.tmp", "*.temp", "*.swp", "*~"]));
    let retry = json!({ "attempts": 4, "delay_seconds": 60 });
    assert_eq!(change["options"], json!({ "retry": retry, "exclude_caches": true }));

    let (_, body) = send(&fake, get(&format!("/sources/{}", group_id()))).await;
    assert!(
        body.contains("name=\"preset-fetched\" value=\"yes\" checked"),
        "node_modules and .venv are there"
    );
    assert!(!body.contains("name=\"preset-temporary\" value=\"yes\" checked"));
    let text = body.split("name=\"excludes\"").nth(1).and_then(|rest| rest.split("</textarea>").next());
    assert!(!text.unwrap().contains("node_modules"), "what a box stands for is not there twice");
}

#[tokio::test]
async fn a_refused_path_is_named_by_its_line() {
    let refusal = Problem::new(Code::Invalid, "", "").with_field("includes.1", "an absolute path");
    let fake = Fake { refusal: Some(refusal), ..Fake::default() };
    let form = format!("name=web&includes=%2Fetc%0D%0A%0D%0Ahome&repository={}&version=3", repository_id());
    let (_, body) = submit(&fake, &format!("/sources/{}", group_id()), &form).await;
    assert!(body.contains("line 3, “home”: an absolute path"), "blank lines count for people");
}

#[tokio::test]
async fn a_command_is_sent_word_by_word() {
    let fake = Fake::default();
    let command = "version=3&shell=&words=pg_dump%0D%0A--format%3Dcustom%0D%0A&file_name=shop.dump";
    let form = format!("{command}&name=shop&attempts=1&repository={}", repository_id());
    submit(&fake, &format!("/hosts/{}/sources/new-command", host_id()), &form).await;
    let expected = json!({ "words": ["pg_dump", "--format=custom"], "file_name": "shop.dump" });
    let body = sent(&fake, "POST", &format!("hosts/{}/command-source-groups", host_id()));
    assert_eq!((&body["command"], &body["retry"]), (&expected, &Value::Null));
    submit(&fake, &format!("/sources/{}/command", command_group_id()), command).await;
    let path = format!("source-groups/{}/command", command_group_id());
    assert_eq!(sent(&fake, "PUT", &path), expected);
}

#[tokio::test]
async fn limits_are_sent_from_settings_schedules_and_single_runs() {
    let fake = Fake::default();
    let limits = "upload_kib=2048&download_kib=";
    let form = format!("{limits}&name=web-01&tags=&presence_mode=always-on&version=7");
    submit(&fake, &format!("/hosts/{}/settings", host_id()), &form).await;
    let expected = json!({ "upload_kib": 2048 });
    assert_eq!(sent(&fake, "PUT", &format!("hosts/{}", host_id()))["bandwidth"], expected);
    let form =
        format!("{limits}&name=n&every=own&cron=1+1+*+*+*&zone=UTC&misfire=skip&group-{}=yes", group_id());
    submit(&fake, &format!("/hosts/{}/schedules/new", host_id()), &form).await;
    assert_eq!(sent(&fake, "POST", &format!("hosts/{}/schedules", host_id()))["bandwidth"], expected);
    submit(&fake, "/jobs", &format!("{limits}&kind=backup&host={}&source_group={}", host_id(), group_id()))
        .await;
    assert_eq!(sent(&fake, "POST", "jobs")["bandwidth"], expected);
    let fake = Fake::default();
    let form = format!("upload_kib=fast&kind=backup&host={}&source_group={}", host_id(), group_id());
    let (response, body) = submit(&fake, "/jobs", &form).await;
    assert_eq!(response.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        body.contains("value=\"fast\"") && body.contains("a whole number, such as 2048"),
        "it stays typed"
    );
    assert!(fake.last("POST", "/api/v1/jobs").is_none());
}
