//! Guessing is slow, restart or not, whoever does it; the person whose account it is gets in all the while.

use core::time::Duration;
use http::{Method, StatusCode, header};
use restic_manager_proto::api::Code;
use restic_manager_server::PeerAddress;
use serde_json::json;

use crate::support::{Answer, App, Client, PASSWORD};

/// One try to sign in from an address, with whatever else the caller claims.
async fn knock(
    app: &App,
    address: &str,
    name: &str,
    password: &str,
    headers: &[(&'static str, &str)],
) -> Answer {
    let body = json!({ "name": name, "password": password });
    let client = app.anonymous();
    let mut request = client.request(Method::POST, "/api/v1/session", Some(body));
    request.extensions_mut().insert(PeerAddress(format!("{address}:1").parse().unwrap()));
    for (name, value) in headers {
        request.headers_mut().insert(*name, value.parse().unwrap());
    }
    client.send(request).await
}

/// Guesses until it is told to wait; says how many guesses were looked at.
async fn guess(app: &App, name: &str, address: impl Fn(u32) -> String) -> (u32, Answer) {
    for n in 0..200 {
        let answer = knock(app, &address(n), name, "wrong password 1", &[]).await;
        if answer.status == StatusCode::TOO_MANY_REQUESTS {
            return (n, answer);
        }
        answer.problem(StatusCode::UNAUTHORIZED);
    }
    panic!("nobody stopped it");
}

fn everywhere(n: u32) -> String {
    format!("10.{}.{}.1", n / 250, n % 250)
}

#[tokio::test]
async fn an_account_is_held_against_guesses_from_everywhere() {
    let (app, _) = App::with_admin().await;
    let (guesses, answer) = guess(&app, "alice", everywhere).await;
    assert_eq!(guesses, 50);
    assert_eq!(answer.problem(StatusCode::TOO_MANY_REQUESTS).code, Code::TooManyRequests);
    let wait: u64 = answer.headers[header::RETRY_AFTER].to_str().unwrap().parse().unwrap();
    knock(&app, "192.0.2.99", "alice", PASSWORD, &[]).await.problem(StatusCode::TOO_MANY_REQUESTS);
    app.clock.advance(Duration::from_secs(wait));
    knock(&app, "192.0.2.99", "alice", PASSWORD, &[]).await.expect(StatusCode::CREATED);
}

#[tokio::test]
async fn one_network_is_held_long_before_the_account_is() {
    let (app, _) = App::with_admin().await;
    let (guesses, _) = guess(&app, "alice", |_| "192.0.2.9".to_owned()).await;
    assert_eq!(guesses, 5);
    knock(&app, "192.0.2.10", "alice", PASSWORD, &[]).await.expect(StatusCode::CREATED);
}

#[tokio::test]
async fn an_account_that_does_not_exist_is_held_the_same() {
    let (app, _) = App::with_admin().await;
    let (guesses, nobody) = guess(&app, "nobody", everywhere).await;
    let (others, alice) = guess(&app, "alice", everywhere).await;
    assert_eq!(guesses, others);
    let text = |answer: &Answer| {
        let problem = answer.problem(StatusCode::TOO_MANY_REQUESTS);
        (problem.title, problem.detail, problem.next_step, answer.headers[header::RETRY_AFTER].clone())
    };
    assert_eq!(text(&nobody), text(&alice));
}

#[tokio::test]
async fn one_network_is_held_whatever_it_guesses_and_claims() {
    let (app, _) = App::with_admin().await;
    for n in 0..30 {
        let forged = format!("203.0.113.{n}");
        let headers = [("x-forwarded-for", forged.as_str()), ("x-real-ip", forged.as_str())];
        let name = format!("user{n}");
        let answer = knock(&app, "192.0.2.9", &name, "wrong password 1", &headers).await;
        answer.problem(StatusCode::UNAUTHORIZED);
    }
    let headers = [("x-forwarded-for", "198.51.100.200"), ("forwarded", "for=198.51.100.201")];
    let last = knock(&app, "192.0.2.9", "another", "wrong password 1", &headers).await;
    last.problem(StatusCode::TOO_MANY_REQUESTS);
    knock(&app, "192.0.2.10", "alice", PASSWORD, &[]).await.expect(StatusCode::CREATED);
}

#[tokio::test]
async fn a_restart_gives_no_new_guesses() {
    let (app, _) = App::with_admin().await;
    guess(&app, "alice", everywhere).await;
    let restarted = app.restarted().await;
    let (guesses, _) = guess(&restarted, "alice", everywhere).await;
    assert_eq!(guesses, 0);
}

/// The browser's cookies after it signed in.
fn device(answer: &Answer) -> String {
    let cookies = answer.headers.get_all(header::SET_COOKIE).iter().map(|value| value.to_str().unwrap());
    let pair = cookies.filter_map(|value| value.split(';').next()).find(|pair| pair.contains("rm_device="));
    pair.expect("signing in tells the browser that it is known").to_owned()
}

#[tokio::test]
async fn strangers_do_not_lock_a_known_browser_out() {
    let (app, _) = App::with_admin().await;
    let known = device(&knock(&app, "192.0.2.1", "alice", PASSWORD, &[]).await);
    guess(&app, "alice", everywhere).await;
    for n in 0..400_u32 {
        let (address, name) = (everywhere(n), format!("user{n}"));
        knock(&app, &address, &name, "wrong password 1", &[]).await;
    }
    knock(&app, "192.0.2.1", "alice", PASSWORD, &[]).await.problem(StatusCode::TOO_MANY_REQUESTS);
    let cookie = [("cookie", known.as_str())];
    knock(&app, "192.0.2.1", "alice", PASSWORD, &cookie).await.expect(StatusCode::CREATED);

    let forged = format!("{}A", &known[..known.len() - 1]);
    let headers = [("cookie", forged.as_str())];
    knock(&app, "192.0.2.1", "alice", PASSWORD, &headers).await.problem(StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn a_stolen_device_cookie_opens_a_narrow_lane_for_one_account() {
    let (app, _) = App::with_admin().await;
    let known = device(&knock(&app, "192.0.2.1", "alice", PASSWORD, &[]).await);
    let cookie = [("cookie", known.as_str())];
    for n in 0..10 {
        let answer = knock(&app, &everywhere(n), "alice", "wrong password 1", &cookie).await;
        answer.problem(StatusCode::UNAUTHORIZED);
    }
    let last = knock(&app, "192.0.2.77", "alice", "wrong password 1", &cookie).await;
    last.problem(StatusCode::TOO_MANY_REQUESTS);
    let (guesses, _) = guess(&app, "bob", everywhere).await;
    assert_eq!(guesses, 50, "for bob it is nobody's");
}

#[tokio::test]
async fn a_thousand_guesses_at_once_are_no_more_than_the_allowance() {
    let (app, _) = App::with_admin().await;
    let guesses = (0..200).map(|n| {
        let app = &app;
        async move { knock(app, &everywhere(n), "alice", "wrong password 1", &[]).await.status }
    });
    let answers = futures_util::future::join_all(guesses).await;
    let looked_at = answers.iter().filter(|status| **status == StatusCode::UNAUTHORIZED).count();
    assert!(looked_at <= 50, "{looked_at} guesses were looked at");
}

#[tokio::test]
async fn right_guesses_cost_nothing() {
    let (app, _) = App::with_admin().await;
    for _ in 0..60 {
        knock(&app, "192.0.2.1", "alice", PASSWORD, &[]).await.expect(StatusCode::CREATED);
    }
}

#[tokio::test]
async fn tokens_that_open_nothing_are_counted_at_every_door() {
    let app = App::fresh().await;
    let doors = [
        ("/api/v1/bootstrap", json!({ "token": "rmb_x", "name": "a", "password": PASSWORD })),
        ("/api/v1/setup/check", json!({ "token": "rmu_x" })),
    ];
    for (path, body) in doors {
        let mut answers = Vec::new();
        for _ in 0..31 {
            answers.push(app.anonymous().post(path, body.clone()).await.status);
        }
        assert_eq!(answers.pop(), Some(StatusCode::TOO_MANY_REQUESTS), "{path}");
        assert!(answers.iter().all(|status| *status == StatusCode::UNAUTHORIZED), "{path}: {answers:?}");
    }
    app.make_admin().await;
    let alice: Client = app.sign_in("alice", PASSWORD).await;
    alice.get("/api/v1/account").await.expect(StatusCode::OK);
}
