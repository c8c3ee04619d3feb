//! Proving again who one is.

use core::time::Duration;
use http::StatusCode;
use restic_manager_proto::{
    api::{
        Code,
        session::{Proofs, Session},
    },
    vocabulary::Action,
};
use serde_json::json;

use crate::{
    support::{App, PASSWORD},
    world::World,
};

const PROOF: &str = "/api/v1/session/proof";

#[tokio::test]
async fn a_proof_opens_dangerous_acts_for_ten_minutes() {
    let World { app, admin, unused, .. } = World::new().await;
    let password = format!("/api/v1/repositories/{unused}/password");
    let body = json!({ "password": "new" });
    app.clock.advance(Duration::from_secs(60 * 60));
    let problem = admin.put(&password, None, body.clone()).await.problem(StatusCode::FORBIDDEN);
    assert_eq!(problem.code, Code::ProofNeeded);
    assert!(problem.next_step.contains(PROOF));
    assert!(admin.get(PROOF).await.json::<Proofs>().password);

    let answer = admin.post(PROOF, json!({ "kind": "password", "password": PASSWORD })).await;
    let session: Session = answer.expect(StatusCode::OK).json();
    assert_eq!(session.proved_at, Some(app.now()));
    admin.put(&password, None, body.clone()).await.expect(StatusCode::NO_CONTENT);
    app.clock.advance(Duration::from_secs(10 * 60 + 1));
    admin.put(&password, None, body).await.problem(StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_proof_is_of_one_session_alone() {
    let World { app, admin, unused, .. } = World::new().await;
    let other = app.sign_in("alice", PASSWORD).await;
    app.clock.advance(Duration::from_secs(60 * 60));
    other.post(PROOF, json!({ "kind": "password", "password": PASSWORD })).await.expect(StatusCode::OK);
    let delete = format!("/api/v1/repositories/{unused}");
    admin.delete(&delete).await.problem(StatusCode::FORBIDDEN);
    other.delete(&delete).await.expect(StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn a_wrong_proof_is_refused_counted_and_audited() {
    let (app, admin) = App::with_admin().await;
    let wrong = json!({ "kind": "password", "password": "wrong password 1" });
    for _ in 0..10 {
        let problem = admin.post(PROOF, wrong.clone()).await.problem(StatusCode::UNAUTHORIZED);
        assert_eq!(problem.code, Code::BadCredentials);
    }
    assert_eq!(app.audited().await.iter().filter(|action| **action == Action::ProofRefused).count(), 10);
    let right = json!({ "kind": "password", "password": PASSWORD });
    admin.post(PROOF, right.clone()).await.problem(StatusCode::TOO_MANY_REQUESTS);
    let login = json!({ "name": "alice", "password": PASSWORD });
    // A stolen session locks nobody out of signing in.
    app.anonymous().post("/api/v1/session", login).await.expect(StatusCode::CREATED);
    app.clock.advance(Duration::from_secs(15 * 60));
    admin.post(PROOF, right).await.expect(StatusCode::OK);
}
