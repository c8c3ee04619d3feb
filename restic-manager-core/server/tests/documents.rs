//! What is generated from the table of routes is current. `UPDATE=1` writes it anew.

use restic_manager_server::{Access, Audited, ROUTES};
use std::{fmt::Write as _, path::Path};

#[test]
fn the_list_of_routes_in_the_docs_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/api.md");
    let wanted = document();
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &wanted).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == wanted,
        "docs/api.md is not current; write it anew with UPDATE=1 cargo test -p restic-manager-server documents"
    );
}

#[test]
fn no_file_of_tests_is_forgotten() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let main = std::fs::read_to_string(folder.join("main.rs")).unwrap();
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap();
        assert!(matches!(name, "main" | "postgres") || main.contains(&format!("mod {name};")), "{name}");
    }
}

fn document() -> String {
    let mut text = String::from(
        "# HTTP API\n\n\
         Generated from the table of routes; `GET /api/v1/openapi.json` tells the same to programs, with every schema.\n\n\
         - A refused request answers with `application/problem+json` (RFC 9457): `code` is a stable word, `detail` says what is wrong this time,\n  \
           `next_step` what to do about it, `fields` which fields were refused, `request_id` where to look in the server's log.\n\
         - Bodies are one JSON object and refuse unknown fields. Answers may grow.\n\
         - Lists come in pages: `limit` (1 to 500, 50 when absent) and `after`, the `next` of the page before.\n\
         - Configuration has a version, its `ETag`. Rows marked *If-Match* change only the version that the request names: 428 without, 412 after a lost race.\n\
         - A `POST` with an `Idempotency-Key` can be repeated for a day and is done once.\n\
         - A role is for the whole fleet, or for the hosts of some tags, or for named hosts. What is outside is answered 404 like what is not there; lists hold the rest. Rows marked\n  \
           *whole fleet* need a role for all of it.\n\
         - Signing in sets a cookie and answers with a token; changing requests send that token as `X-CSRF-Token`.\n\n\
         | Method | Path | Who | Audited as | What |\n|---|---|---|---|---|\n",
    );
    for route in ROUTES {
        let who = match route.access {
            Access::Public => "anybody".to_owned(),
            Access::Person => "person".to_owned(),
            Access::Agent => "agents".to_owned(),
            Access::Scraper => "scrapers".to_owned(),
            Access::Role(role) if route.needs_fleet() => format!("{role}, *whole fleet*"),
            Access::Role(role) => role.to_string(),
        };
        let audited = match route.audited {
            Audited::As(action) => action.to_string(),
            Audited::No(_) => String::new(),
        };
        let conditional = if route.conditional { " *If-Match*" } else { "" };
        let summary = route.summary.trim();
        writeln!(
            text,
            "| {} | `{}` | {who} | {audited} | {summary}{conditional} |",
            route.method, route.path
        )
        .unwrap();
    }
    text
}
