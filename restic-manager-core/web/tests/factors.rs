//! Second factors and API tokens on pages.

use http::{StatusCode, header};
use restic_manager_proto::{
    SecretText,
    api::{Code, Problem, session::MissingStep},
    vocabulary::Role,
};

use crate::{
    fake::{CSRF, Fake, user_id},
    pages::{get, post, send},
};

/// What the API answers to the right password of who has a second factor.
pub(crate) fn missing_step() -> Problem {
    let mut problem = Problem::new(Code::SecondFactorNeeded, "", "");
    let pending = SecretText::new("sealed-pending");
    problem.missing_step = Some(Box::new(MissingStep { pending, code: true, passkey: None }));
    problem
}

#[tokio::test]
async fn signing_in_goes_on_to_the_second_step_and_back_to_where_one_wanted() {
    let fake = Fake { refusal: Some(missing_step()), ..Fake::default() };
    let (response, body) = send(&fake, post("/login", "name=ada&password=SECRET-VALUE&next=%2Fjobs")).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert!(body.contains("One more step") && body.contains("value=\"sealed-pending\""));
    assert!(body.contains("value=\"/jobs\"") && !body.contains("SECRET-VALUE"));

    let fake = Fake::default();
    let form = "pending=sealed-pending&code=123456&next=%2Fjobs";
    let (response, _) = send(&fake, post("/login/second", form)).await;
    assert_eq!(response.headers()[header::LOCATION], "/jobs");
    let asked = fake.last("POST", "/api/v1/session/second-step").unwrap();
    assert_eq!(asked.body, r#"{"pending":"sealed-pending","proof":{"kind":"code","code":"123456"}}"#);
    assert!(!asked.headers.contains_key(header::COOKIE), "an old session does not sign in");

    let fake = Fake { refusal: Some(Problem::new(Code::BadCredentials, "", "")), ..Fake::default() };
    let (response, body) = send(&fake, post("/login/second", form)).await;
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    assert!(body.contains("That did not match") && body.contains("value=\"sealed-pending\""));
    assert_eq!(send(&fake, get("/login/second")).await.0.headers()[header::LOCATION], "/login");
}

#[tokio::test]
async fn an_admin_without_a_second_factor_is_told_on_every_page() {
    let asks = "Your password alone opens this account, and with it the whole fleet";
    let link = "href=\"/settings/two-factor\">Set one up";
    for path in ["/", "/hosts", "/jobs", "/alerts", "/audit", "/settings/account"] {
        let (_, body) = send(&Fake { empty: true, ..Fake::default() }, get(path)).await;
        assert!(body.contains(asks) && body.contains(link), "{path}");
        let (_, body) = send(&Fake::default(), get(path)).await;
        assert!(!body.contains(asks), "{path}: there is one");
        let viewer = Fake { empty: true, role: Role::Viewer, ..Fake::default() };
        assert!(!send(&viewer, get(path)).await.1.contains(asks), "{path}: a viewer opens less");
    }
    let (_, body) = send(&Fake { empty: true, ..Fake::default() }, get("/settings/two-factor")).await;
    assert_eq!(body.matches("Your password alone").count(), 1);
    assert!(!body.contains(link), "it is here");
}

#[tokio::test]
async fn an_admin_removes_what_somebody_has_lost() {
    let fake = Fake::default();
    let user = format!("/settings/users/{}", user_id());
    let (_, body) = send(&fake, get(&user)).await;
    assert!(body.contains(&format!("action=\"{user}/remove-factors\"")) && !body.contains("there is none"));
    let form = format!("csrf_token={CSRF}");
    let (response, _) = send(&fake, post(&format!("{user}/remove-factors"), &form)).await;
    assert_eq!(response.headers()[header::LOCATION], format!("{user}?done=user-factors-removed"));
    assert!(fake.last("DELETE", &format!("/api/v1/users/{}/factors", user_id())).is_some());
}

#[tokio::test]
async fn a_token_is_made_for_a_part_of_the_fleet() {
    let fake = Fake::default();
    let form = |scope: &str| format!("csrf_token={CSRF}&name=ci&role=viewer&life=30&{scope}");
    let tags = form("scope=tags&scope_tags=berlin%2C+paris");
    let (response, _) = send(&fake, post("/settings/tokens", &tags)).await;
    assert_eq!(response.status(), StatusCode::OK);
    let asked = fake.last("POST", "/api/v1/api-tokens").unwrap().body;
    assert!(asked.contains(r#""scope":{"kind":"tags","tags":["berlin","paris"]}"#), "{asked}");
    let hosts = form("scope=hosts&scope_hosts=nowhere");
    let (response, body) = send(&fake, post("/settings/tokens", &hosts)).await;
    assert_eq!(response.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert!(body.contains("there is no host named nowhere") && body.contains("value=\"nowhere\""));
    let (_, body) = send(&fake, get("/settings/tokens")).await;
    assert!(body.contains("berlin, paris") && body.contains("All that you see"));
}

#[tokio::test]
async fn a_passkey_is_handed_on_as_the_browser_wrote_it() {
    let answer = r#"{"challenge":"Yw","credential":"aQ","client_data":"ZA","authenticator_data":"YQ","signature":"cw","user":"dQ"}"#;
    let field: String = form_urlencoded::byte_serialize(answer.as_bytes()).collect();
    let fake = Fake::default();
    let (response, _) = send(&fake, post("/login/passkey", &format!("passkey={field}&next=//evil"))).await;
    assert_eq!(response.headers()[header::LOCATION], "/");
    assert_eq!(fake.last("POST", "/api/v1/session/passkey").unwrap().body, answer);
    let (response, _) = send(&fake, post("/login/passkey", "passkey=nonsense")).await;
    assert_eq!(response.headers()[header::LOCATION], "/login");
}

#[tokio::test]
async fn the_app_is_offered_as_a_code_to_scan_and_confirmed() {
    let fake = Fake::default();
    let (_, body) = send(&fake, get("/settings/two-factor/app")).await;
    assert!(body.contains("<path d=\"M4 4h7v1h-7z") && body.contains("GEZD GNBV"));
    let form = format!("csrf_token={CSRF}&offer=sealed-offer&code=123+456&secret=GEZD+GNBV&uri=otpauth%3A");
    let (_, body) = send(&fake, post("/settings/two-factor/app", &form)).await;
    assert!(body.contains("01AB-CDEF-GHJK-MNPQ") && body.contains("shown <b>once</b>"));
    let asked = fake.last("PUT", "/api/v1/account/totp").unwrap();
    assert_eq!(asked.body, r#"{"offer":"sealed-offer","code":"123 456"}"#);

    let mut problem = Problem::new(Code::Invalid, "", "");
    problem = problem.with_field("code", "not the code of this secret now");
    let fake = Fake { refusal: Some(problem), ..Fake::default() };
    let (_, body) = send(&fake, post("/settings/two-factor/app", &form)).await;
    assert!(body.contains("not the code of this secret now") && body.contains("GEZD GNBV"));
}

#[tokio::test]
async fn a_token_is_made_for_a_while_and_shown_once() {
    let fake = Fake::default();
    let form = format!("csrf_token={CSRF}&name=ci&role=operator&scope=all&life=30&dangerous=yes");
    let (_, body) = send(&fake, post("/settings/tokens", &form)).await;
    assert!(body.contains("rmt_made-token") && body.contains("Authorization: Bearer"));
    let asked = fake.last("POST", "/api/v1/api-tokens").unwrap();
    let sent: serde_json::Value = serde_json::from_str(&asked.body).unwrap();
    assert_eq!((&sent["role"], &sent["dangerous"]), (&"operator".into(), &true.into()));
    let (_, body) = send(&fake, get("/settings/tokens")).await;
    assert!(!body.contains("rmt_made-token"));
    for told in ["expires soon", "expired", "valid", "dangerous acts"] {
        assert!(body.contains(told), "{told}");
    }
}

#[tokio::test]
async fn factors_tell_what_there_is_and_what_is_missing() {
    let (_, body) = send(&Fake::default(), get("/settings/two-factor")).await;
    assert!(body.contains("3 of 10 left") && body.contains("before they run out"));
    let viewer = Fake { empty: true, role: Role::Viewer, ..Fake::default() };
    let (_, body) = send(&viewer, get("/settings/two-factor")).await;
    assert!(body.contains("Your password alone opens this account") && !body.contains("whole fleet"));
}
