//! Sessions that are planted, borrowed or used again.

use std::time::Duration;

use restic_manager_e2e::{ADMIN, ADMIN_PASSWORD, Failure, Outcome};
use restic_manager_proto::Scope;
use restic_manager_proto::vocabulary::Role;
use serde_json::json;

use super::support::{Caller, Fort, HOME};

const NEW_HOST: &str = "/api/v1/enrolments";
/// The age at which tokens are replaced, and how long an old one is still good.
const HOUR: Duration = Duration::from_secs(3600);
const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn a_planted_session_is_not_taken_over_by_who_signs_in() -> Outcome {
    let fort = Fort::start().await?;
    fort.add_user("mallory", Role::Viewer, &Scope::All).await?;
    let planted = fort.signed_in("mallory").await?;
    let victim = Caller { csrf: None, ..planted.clone() };
    let answer = victim.sign_in(ADMIN, ADMIN_PASSWORD).await?;
    let fresh = answer.expect(201)?.cookie().ok_or_else(|| Failure::new("no cookie was set"))?;
    assert_ne!(Some(&fresh), planted.cookie.as_ref());
    planted.get("/api/v1/session").await?.expect(401)?;

    // A token that nobody issued opens nothing, and does not become one.
    let (name, value) = fresh.split_once('=').ok_or_else(|| Failure::new("a cookie without a value"))?;
    let invented = format!("{name}={}", value.chars().rev().collect::<String>());
    let victim = Caller { cookie: Some(invented.clone()), ..fort.caller(HOME) };
    let set = victim.sign_in(ADMIN, ADMIN_PASSWORD).await?.expect(201)?.cookie();
    assert_ne!(set, Some(invented));
    victim.get("/api/v1/session").await?.expect(401)?;
    Ok(())
}

#[tokio::test]
async fn a_session_that_was_signed_out_opens_nothing() -> Outcome {
    let fort = Fort::start().await?;
    let caller = fort.signed_in(ADMIN).await?;
    caller.send("DELETE", "/api/v1/session", None).await?.expect(204)?;
    caller.get("/api/v1/session").await?.expect(401)?;
    caller.get("/api/v1/hosts").await?.expect(401)?;
    Ok(())
}

#[tokio::test]
async fn a_token_that_was_replaced_gives_its_theft_away() -> Outcome {
    let fort = Fort::start().await?;
    let thief = fort.signed_in(ADMIN).await?;
    pass_time(&fort, HOUR).await?;
    let fresh = thief.get("/api/v1/hosts").await?.expect(200)?.cookie();
    let owner =
        Caller { cookie: Some(fresh.ok_or_else(|| Failure::new("an old token stays"))?), ..thief.clone() };
    owner.get("/api/v1/hosts").await?.expect(200)?;
    pass_time(&fort, MINUTE).await?;
    thief.get("/api/v1/hosts").await?.expect(401)?;
    owner.get("/api/v1/hosts").await?.expect(401)?;
    thief.get("/api/v1/hosts").await?.expect(401)?;

    let again = fort.signed_in(ADMIN).await?;
    let alerts = again.get("/api/v1/alerts").await?.json()?;
    assert_eq!(alerts["items"][0]["kind"], "token-replay", "{alerts}");
    assert_eq!((&alerts["items"][0]["subject"], &alerts["items"][0]["count"]), (&json!(ADMIN), &json!(1)));
    let audited = fort.audited().await?;
    assert_eq!(audited.iter().filter(|entry| entry["action"] == "session-replay").count(), 1, "{audited:?}");
    Ok(())
}

/// Moves every session into the past: the server's own clock cannot be moved.
async fn pass_time(fort: &Fort, time: Duration) -> Outcome {
    let mut connection = fort.open_database().await?;
    let sql = "UPDATE sessions SET created = created - $1, confirmed = confirmed - $1";
    sqlx::query(sql).bind(i64::try_from(time.as_millis())?).execute(&mut connection).await?;
    Ok(())
}

#[tokio::test]
async fn the_session_cookie_is_kept_from_scripts_and_other_sites() -> Outcome {
    for (secure, name) in [("true", "__Host-rm_session="), ("false", "rm_session=")] {
        let fort = Fort::with("info", &[("RM_COOKIE_SECURE", secure)]).await?;
        let answer = fort.caller(HOME).sign_in(ADMIN, ADMIN_PASSWORD).await?;
        let set = answer.expect(201)?.session_cookie().unwrap_or_default().to_owned();
        assert!(set.starts_with(name), "{set}");
        for part in ["HttpOnly", "SameSite=Lax", "Path=/"] {
            assert!(set.contains(part), "{set}");
        }
        assert_eq!(set.contains("Secure"), secure == "true", "{set}");
        assert!(!set.to_ascii_lowercase().contains("domain="), "{set}");
    }
    Ok(())
}

#[tokio::test]
async fn a_change_without_the_csrf_token_is_refused() -> Outcome {
    let fort = Fort::start().await?;
    let caller = fort.signed_in(ADMIN).await?;
    let body = || Some(json!({ "host_name": "web-1" }));
    let without = Caller { csrf: None, ..caller.clone() };
    without.send("POST", NEW_HOST, body()).await?.expect(403)?;
    let other = fort.signed_in(ADMIN).await?;
    let borrowed = Caller { csrf: other.csrf, ..caller.clone() };
    borrowed.send("POST", NEW_HOST, body()).await?.expect(403)?;
    caller.send("POST", NEW_HOST, body()).await?.expect(201)?;
    Ok(())
}

#[tokio::test]
async fn a_change_from_another_site_is_refused_even_with_the_token() -> Outcome {
    let fort = Fort::start().await?;
    let caller = fort.signed_in(ADMIN).await?;
    let body = || Some(json!({ "host_name": "web-1" }));
    for (name, value) in [
        ("origin", "https://evil.example.com"),
        ("origin", "null"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
    ] {
        caller.with(name, value).send("POST", NEW_HOST, body()).await?.expect(403)?;
    }
    // What a form of another site can send without asking first.
    for kind in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"] {
        caller.with("content-type", kind).send("POST", NEW_HOST, body()).await?.expect(415)?;
    }
    Ok(())
}

#[tokio::test]
async fn a_form_without_its_token_changes_nothing() -> Outcome {
    let fort = Fort::start().await?;
    let caller = fort.signed_in(ADMIN).await?.with("content-type", "application/x-www-form-urlencoded");
    for (site, expected) in [("cross-site", 403), ("same-origin", 403)] {
        let posted = caller.with("sec-fetch-site", site).send("POST", "/logout", None).await?;
        assert_eq!(posted.status, expected, "{site}: {}", posted.body);
    }
    caller.get("/api/v1/session").await?.expect(200)?;
    Ok(())
}

#[tokio::test]
async fn no_answer_lets_another_site_read_it() -> Outcome {
    let fort = Fort::start().await?;
    let caller = fort.signed_in(ADMIN).await?.with("origin", "https://evil.example.com");
    for path in ["/api/v1/session", "/api/v1/hosts", "/", "/healthz"] {
        for method in ["GET", "OPTIONS"] {
            let answer = caller.send(method, path, None).await?;
            let shared = answer.headers.keys().any(|name| name.as_str().starts_with("access-control-"));
            assert!(!shared, "{method} {path}: {:?}", answer.headers);
        }
    }
    Ok(())
}
