//! The audit log over the API: filters, the proof of one entry, exports.

use http::{StatusCode, header};
use restic_manager_proto::{
    api::{
        Page,
        audit::{Entry, Proof, Proven},
    },
    vocabulary::Action,
};
use restic_manager_server::audit::{ExportVerdict, verify_export};
use std::time::Duration;

use crate::world::World;

async fn entries(world: &World, query: &str) -> Vec<Entry> {
    let page: Page<Entry> = world.admin.get(&format!("/api/v1/audit?{query}")).await.json();
    page.items
}

#[tokio::test]
async fn filters_narrow_together() {
    let world = World::new().await;
    let all = entries(&world, "limit=500").await;
    let host = world.host;
    let attached = entries(&world, "action=attachment-set&outcome=done").await;
    assert!(attached.len() == 2 && attached.iter().all(|entry| entry.action == Action::AttachmentSet));
    let of_main = entries(&world, &format!("subject_kind=repository&subject_id={}", world.repository)).await;
    assert!(!of_main.is_empty() && of_main.iter().all(|entry| entry.subject == "main"), "{of_main:?}");
    assert!(entries(&world, &format!("subject_kind=repository&subject_id={host}")).await.is_empty());
    let named = entries(&world, "text=SPA&action=repository-create").await;
    assert!(named.len() == 1 && named[0].subject == "spare");
    assert!(entries(&world, "text=pare&action=repository-create").await.is_empty(), "only beginnings count");
    let before = world.app.now();
    world.app.clock.advance(Duration::from_secs(60));
    world.admin.delete(&format!("/api/v1/hosts/{host}")).await.expect(StatusCode::NO_CONTENT);
    let later = entries(&world, &format!("since={}", world.app.now())).await;
    assert!(later.len() == 1 && later[0].action == Action::HostDelete);
    assert_eq!(entries(&world, &format!("limit=500&until={before}")).await, all);
    world.admin.get("/api/v1/audit?subject_id=x").await.problem(StatusCode::UNPROCESSABLE_ENTITY);
    world.admin.get("/api/v1/audit?since=yesterday").await.problem(StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn one_entry_shows_its_place_in_the_chain() {
    let world = World::new().await;
    let first: Proven = world.admin.get("/api/v1/audit/1").await.json();
    let second: Proven = world.admin.get("/api/v1/audit/2").await.json();
    assert_eq!(second.previous_hash, first.hash);
    assert!(first.as_written && first.checkpoint.is_none());
    assert_eq!(first.previous_hash, "0".repeat(64));
    world.admin.get("/api/v1/audit/9999").await.problem(StatusCode::NOT_FOUND);
    let proof: Proof = world.admin.get("/api/v1/audit/state").await.json();
    assert!(proof.entries > 1 && proof.verified_up_to.is_none(), "nobody has read it yet: {proof:?}");
}

#[tokio::test]
async fn a_whole_export_proves_itself_and_a_table_is_harmless() {
    let world = World::new().await;
    let trusted = world.app.fingerprint.parse().unwrap();
    let export = world.admin.get("/api/v1/audit/export").await;
    export.expect(StatusCode::OK);
    let head = world.app.store_head().await;
    let ExportVerdict::Whole(whole) = verify_export(&export.body[..], &trusted, &[]).unwrap() else {
        panic!("{}", export.text())
    };
    assert_eq!((whole.head, whole.covered), (head, head.sequence));
    let forged = export.text().replacen("\"alice\"", "\"mallory\"", 1);
    let verdict = verify_export(forged.as_bytes(), &trusted, &[]).unwrap();
    assert!(matches!(verdict, ExportVerdict::Broken(_)), "{verdict:?}");

    let some = world.admin.get("/api/v1/audit/export?action=repository-create").await;
    assert_eq!(some.text().lines().count(), 3);
    assert!(matches!(verify_export(&some.body[..], &trusted, &[]).unwrap(), ExportVerdict::Foreign(_)));
    let table = world.admin.get("/api/v1/audit/export?format=csv&action=repository-create").await;
    assert_eq!(table.headers[header::CONTENT_TYPE], "text/csv; charset=utf-8");
    let text = table.text();
    assert!(text.starts_with("sequence,moment,") && text.lines().count() == 4, "{text}");
}
