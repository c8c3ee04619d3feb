//! Retention, upkeep and connections: what the forms ask of the API.

use http::{StatusCode, header};
use restic_manager_proto::api::{Code, Problem};

use crate::{
    fake::{Fake, group_id, host_id, job_id, repository_id},
    forms::{location, submit},
    pages::{get, send},
};

#[tokio::test]
async fn a_typed_policy_is_tried_and_saved_with_the_rest_of_the_group_as_it_is() {
    let (fake, group) = (Fake::default(), group_id());
    let form = "name=default&keep_daily=7&keep_within=1y6m&keep_hourly=";
    let (response, _) = submit(&fake, &format!("/sources/{group}/preview"), form).await;
    assert_eq!(location(&response), format!("/jobs/{}/preview", job_id()));
    let asked = fake.last("POST", &format!("/api/v1/source-groups/{group}/retention-preview")).unwrap();
    assert_eq!(asked.body, r#"{"retention":{"daily":7,"within":"1y6m"}}"#);

    let (response, _) =
        submit(&fake, &format!("/sources/{group}/retention"), "version=3&keep_daily=7&keep_within=1y6m")
            .await;
    assert_eq!(location(&response), format!("/hosts/{}/sources?done=retention-saved", host_id()));
    let asked = fake.last("PUT", &format!("/api/v1/source-groups/{group}")).unwrap();
    assert_eq!(asked.headers[header::IF_MATCH], "\"3\"");
    assert!(asked.body.contains(r#""retention":{"daily":7,"within":"1y6m"}"#), "{}", asked.body);
    assert!(asked.body.contains("/srv/www") && asked.body.contains("node_modules"), "{}", asked.body);
}

#[tokio::test]
async fn what_is_no_rule_is_told_beside_its_field_and_asks_for_nothing() {
    let (fake, group) = (Fake::default(), group_id());
    let (response, body) =
        submit(&fake, &format!("/sources/{group}/preview"), "name=default&keep_daily=seven&keep_within=3w")
            .await;
    assert_eq!(response.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert!(body.contains("value=\"seven\"") && body.contains("a number, such as 14"));
    assert!(body.contains("value=\"3w\"") && body.contains("such as 1y6m14d12h"));
    assert!(fake.last("POST", &format!("/api/v1/source-groups/{group}/retention-preview")).is_none());
}

#[tokio::test]
async fn a_preview_shows_what_stays_and_why() {
    let (_, body) = send(&Fake::default(), get(&format!("/jobs/{}/preview", job_id()))).await;
    for words in ["daily snapshot", "would be removed", "Save this policy", "wants a backup every hour"] {
        assert!(body.contains(words), "{words}");
    }
    assert!(body.contains("name=\"keep_daily\" value=\"7\""));
}

#[tokio::test]
async fn upkeep_is_set_whole_and_run_now() {
    let (fake, repository) = (Fake::default(), repository_id());
    let form = format!(
        "upkeep=yes&version=4&runner={}&forget_every_hours=24&prune_every_hours=168&check_every_hours=&\
         statistics_every_hours=12&deletion_test_every_hours=168&check_parts=10&parallel=",
        host_id()
    );
    let (response, _) = submit(&fake, &format!("/repositories/{repository}/upkeep"), &form).await;
    assert_eq!(location(&response), format!("/repositories/{repository}?done=upkeep-updated"));
    let asked = fake.last("PUT", &format!("/api/v1/repositories/{repository}/upkeep")).unwrap();
    assert_eq!(asked.headers[header::IF_MATCH], "\"4\"");
    let runner = format!(r#""runner":"{}""#, host_id());
    for part in
        [&*runner, r#""check_every_hours":null"#, r#""statistics_every_hours":12"#, r#""check_parts":10"#]
    {
        assert!(asked.body.contains(part), "{part} in {}", asked.body);
    }
    let (response, _) =
        submit(&fake, &format!("/repositories/{repository}/upkeep/run"), "kind=deletion-test").await;
    assert_eq!(location(&response), format!("/jobs/{}", job_id()));
    let asked = fake.last("POST", &format!("/api/v1/repositories/{repository}/upkeep/jobs")).unwrap();
    assert!(asked.body.contains(r#""kind":"deletion-test""#), "{}", asked.body);
}

#[tokio::test]
async fn a_repository_tells_health_upkeep_and_trend() {
    let (_, body) = send(&Fake::default(), get(&format!("/repositories/{}", repository_id()))).await;
    for words in [
        "NOT refused",
        "Last effective",
        "watch it",
        "from 1.70 TiB on",
        "measured on 20 days",
        "<caption>Size stored</caption>",
        "any attached host",
    ] {
        assert!(body.contains(words), "{words}");
    }
}

#[tokio::test]
async fn a_connection_is_tried_before_it_is_kept() {
    let (fake, host) = (Fake::default(), host_id());
    let typed = format!(
        "credential_kind=s3&s3_endpoint=https%3A%2F%2Fs3.example&s3_bucket=b&test_host={host}&password=SECRET-1&\
         credential_access_key_id=id&credential_secret_access_key=SECRET-2"
    );
    let (response, _) = submit(&fake, "/repositories/test", &typed).await;
    assert_eq!(location(&response), format!("/jobs/{}", job_id()));
    let asked = fake.last("POST", "/api/v1/connection-tests").unwrap();
    assert!(asked.body.contains(r#""location":"s3:https://s3.example/b""#), "{}", asked.body);
    assert!(asked.body.contains("SECRET-1") && asked.body.contains("SECRET-2"));
    assert!(fake.last("POST", "/api/v1/repositories").is_none(), "nothing is kept");

    let without_bucket = typed.replace("s3_bucket=b", "s3_bucket=");
    let (response, body) = submit(&fake, "/repositories/test", &without_bucket).await;
    assert_eq!(response.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert!(body.contains("such as backups") && body.contains("https://s3.example"));
    assert!(!body.contains("SECRET"));
}

#[tokio::test]
async fn a_location_that_the_server_refuses_is_told_at_the_storage() {
    let refusal = Problem::new(Code::Invalid, "", "").with_field("location", "no user in it");
    let fake = Fake { refusal: Some(refusal), ..Fake::default() };
    let form = "name=web&credential_kind=rest&rest_url=https%3A%2F%2Fme%40b%2F&credential_username=u&credential_password=p";
    let (response, body) = submit(&fake, "/repositories/new", form).await;
    assert_eq!(response.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert!(body.contains("Location: no user in it") && body.contains("https://me@b/"));
}

#[tokio::test]
async fn a_user_for_a_rest_server_is_shown_once_with_its_line() {
    let fake = Fake::default();
    let (response, body) = submit(&fake, "/repositories/login", "username=web").await;
    assert_eq!(response.status(), StatusCode::OK);
    assert!(body.contains("web:$2y$10$") && body.contains("made-password"));
    assert_eq!(
        fake.last("POST", "/api/v1/rest-server-logins").unwrap().body,
        r#"{"username":"web","password":null}"#
    );
}
