//! A database whose pages were really damaged: it is said, reading goes on, and nothing is written into it any more.

use http::{StatusCode, header};
use restic_manager_proto::{
    api::{Code, Page, alerts::Alert},
    vocabulary::{AlertKind, AlertState},
};
use restic_manager_testkit::patiently;
use serde_json::json;
use sqlx::{Connection as _, Row as _, SqliteConnection};
use std::{
    fs::{File, OpenOptions},
    io::{Read as _, Seek as _, SeekFrom, Write as _},
    path::Path,
};

use crate::support::{Answer, App, Client, PASSWORD};

/// The first page of a table that nobody looks at meanwhile: where it is, and its bytes.
async fn page(path: &Path) -> (u64, Vec<u8>) {
    let mut connection = SqliteConnection::connect(&format!("sqlite://{}", path.display())).await.unwrap();
    let sql = "SELECT rootpage, page_size FROM sqlite_schema, pragma_page_size WHERE name = 'measurements'";
    let found = sqlx::query(sql).fetch_one(&mut connection).await.unwrap();
    let (page, size): (i64, i64) = (found.get(0), found.get(1));
    connection.close().await.unwrap();
    let start = (page - 1) * size;
    let mut bytes = vec![0; size as usize];
    let mut file = File::open(path).unwrap();
    file.seek(SeekFrom::Start(start as u64)).unwrap();
    file.read_exact(&mut bytes).unwrap();
    (start as u64, bytes)
}

fn overwrite(path: &Path, start: u64, bytes: &[u8]) {
    let mut file = OpenOptions::new().write(true).open(path).unwrap();
    file.seek(SeekFrom::Start(start)).unwrap();
    file.write_all(bytes).unwrap();
}

/// The same person, with the same session, at another process.
fn at(app: &App, client: Client) -> Client {
    Client { service: app.service.clone(), ..client }
}

async fn invite(client: &Client, name: &str) -> Answer {
    client.post("/api/v1/enrolments", json!({ "host_name": name })).await
}

async fn alert(client: &Client) -> Option<Alert> {
    let alerts: Page<Alert> = client.get("/api/v1/alerts").await.expect(StatusCode::OK).json();
    alerts.items.into_iter().find(|alert| alert.kind == AlertKind::DatabaseDamaged)
}

#[tokio::test]
async fn a_damaged_database_is_read_and_not_written_until_it_is_put_right() {
    let (app, admin) = App::with_admin().await;
    invite(&admin, "before").await.expect(StatusCode::CREATED);
    let mut whole = None;
    let app = app
        .reopened(async |path| {
            let (start, bytes) = page(path).await;
            overwrite(path, start, &vec![0xa5; bytes.len()]);
            whole = Some((start, bytes));
        })
        .await;
    let admin = at(&app, admin);
    let refused = patiently(async {
        for number in 0.. {
            let answer = invite(&admin, &format!("host-{number}")).await;
            if answer.status != StatusCode::CREATED {
                return answer;
            }
            tokio::task::yield_now().await;
        }
        unreachable!("it goes on for ever")
    });
    let refused = refused.await;
    let problem = refused.problem(StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(problem.code, Code::Unavailable);
    assert!(problem.detail.contains("damaged") && problem.next_step.contains("database.md"), "{problem:?}");
    assert!(refused.headers.contains_key(header::RETRY_AFTER));

    assert_eq!(alert(&admin).await.expect("an alert").state, AlertState::Open);
    admin.get("/api/v1/hosts").await.expect(StatusCode::OK);
    let ready = app.anonymous().get("/readyz").await.problem(StatusCode::SERVICE_UNAVAILABLE);
    assert!(ready.detail.contains("damaged"), "{ready:?}");
    let login = json!({ "name": "alice", "password": PASSWORD });
    app.anonymous().post("/api/v1/session", login).await.problem(StatusCode::SERVICE_UNAVAILABLE);

    // A session whose use is due to be noted, or whose token is due to be replaced, looks all the same.
    app.clock.advance(core::time::Duration::from_secs(2 * 60 * 60));
    admin.get("/api/v1/hosts").await.expect(StatusCode::OK);

    let (start, bytes) = whole.unwrap();
    let app = app.reopened(async |path| overwrite(path, start, &bytes)).await;
    let admin = app.sign_in("alice", PASSWORD).await;
    invite(&admin, "after").await.expect(StatusCode::CREATED);
    patiently(async {
        while alert(&admin).await.expect("it is kept").state != AlertState::Resolved {
            tokio::task::yield_now().await;
        }
    })
    .await;
}
