//! Text that an agent or a user controls, and that browsers are shown.

use std::collections::BTreeSet;
use std::time::Duration;

use restic_manager_core::clock::{Clock as _, SystemClock};
use restic_manager_e2e::{ADMIN, Failure, Outcome};
use restic_manager_proto::agent::{Message, ReportItem};
use restic_manager_proto::policy::{HostPolicy, PolicyReport};
use restic_manager_proto::vocabulary::{Cause, JobState, LogStream, RepositoryState};
use restic_manager_proto::{HostFacts, JobEnd, LogLine, SnapshotSeen};
use serde_json::json;

use super::support::{Caller, Fort};

const HOSTILE: &str = "\"'><script>alert('rm')</script><img src=x onerror=alert(1)>{{7*7}}\u{202e}\u{1b}[2J";
/// What would have been obeyed.
const FORBIDDEN: &[&str] = &["<script>alert", "<img src=x", "\u{202e}", "\u{1b}"];
/// What shows that the text arrived and was escaped.
const ESCAPED: &str = "&lt;script&gt;alert(";
const MOST_PAGES: usize = 200;
const DAY: Duration = Duration::from_secs(86_400);

#[tokio::test]
async fn text_of_agents_and_users_stays_text_on_every_page() -> Outcome {
    let fort = Fort::start().await?;
    let repository = fort.repository("main").await?;
    let (_remote, mut persona, mut agent) = fort.host("web-1", &[], &[repository]).await?;
    let (order, now) = (agent.order().await, SystemClock.now());
    agent.send(Message::Facts(hostile_facts(PolicyReport::of_file(HOSTILE, HOSTILE, hostile_rules()))));
    let (_remote, _persona, mut other) = fort.host("web-3", &[], &[]).await?;
    other.send(Message::Facts(hostile_facts(PolicyReport::unusable(HOSTILE, HOSTILE))));
    let job = order.job;
    let mut end = JobEnd::new(JobState::Failed, Cause::Other);
    end.detail = HOSTILE.to_owned();
    let line = LogLine { sequence: 1, at: now, stream: LogStream::Stderr, text: HOSTILE.to_owned() };
    let mut snapshot = SnapshotSeen::new("ab".repeat(32), now);
    snapshot.hostname = HOSTILE.to_owned();
    snapshot.username = HOSTILE.to_owned();
    snapshot.paths = vec![HOSTILE.to_owned()];
    snapshot.tags = vec![HOSTILE.to_owned()];
    snapshot.program_version = Some(HOSTILE.to_owned());
    let items = vec![
        ReportItem::JobStarted { job, at: now, command: HOSTILE.to_owned() },
        ReportItem::JobLog { job, lines: vec![line], dropped: 0 },
        ReportItem::RepositoryChecked {
            repository,
            at: now,
            state: RepositoryState::Unreachable,
            detail: HOSTILE.to_owned(),
        },
        ReportItem::Snapshots { repository, at: now, snapshots: vec![snapshot], part: 0, last: true },
        ReportItem::JobEnded { job, at: now, end },
    ];
    persona.report(&mut agent, items).await;
    let admin = fort.signed_in(ADMIN).await?.with("user-agent", "Browser <script>alert('rm')</script>");
    by_user(&fort, &admin, &persona.host.to_string(), &repository.to_string()).await?;

    let reader = fort.signed_in(ADMIN).await?;
    name_a_passkey(&fort).await?;
    let (pages, escaped) = walk(&reader).await?;
    assert!(pages > 30, "only {pages} pages were found");
    assert!(escaped >= 8, "the text was shown on {escaped} of {pages} pages");
    Ok(())
}

/// What a user can write: where rules allow no such text, they refuse it; elsewhere it is kept as it is.
async fn by_user(fort: &Fort, admin: &Caller, host: &str, repository: &str) -> Outcome {
    let named = admin.with("if-match", "\"1\"");
    for (method, path, body) in [
        ("POST", "/api/v1/enrolments".to_owned(), json!({ "host_name": HOSTILE })),
        ("POST", "/api/v1/enrolments".to_owned(), json!({ "host_name": "web-2", "tags": [HOSTILE] })),
        ("POST", "/api/v1/repositories".to_owned(), json!({ "name": HOSTILE, "location": "/srv/x" })),
        (
            "PUT",
            format!("/api/v1/hosts/{host}"),
            json!({ "name": HOSTILE, "tags": [], "presence_mode": "always-on" }),
        ),
        ("POST", "/api/v1/users".to_owned(), json!({ "name": HOSTILE, "role": "viewer" })),
        (
            "POST",
            "/api/v1/users".to_owned(),
            json!({ "name": "eve", "role": "viewer", "scope": { "kind": "tags", "tags": [HOSTILE] } }),
        ),
        (
            "POST",
            "/api/v1/api-tokens".to_owned(),
            json!({ "name": HOSTILE, "role": "viewer", "expires_at": SystemClock.now().after(DAY) }),
        ),
        (
            "POST",
            format!("/api/v1/hosts/{host}/schedules"),
            json!({ "name": HOSTILE, "cron": HOSTILE, "zone": HOSTILE, "source_groups": [repository] }),
        ),
    ] {
        named.send(method, &path, Some(body)).await?.expect(422)?;
    }
    let plain = HOSTILE.replace(['\u{202e}', '\u{1b}'], "");
    let group = json!({
        "name": "hostile", "includes": [format!("/{plain}")], "excludes": [plain], "repository": repository,
    });
    admin.send("POST", &format!("/api/v1/hosts/{host}/source-groups"), Some(group)).await?.expect(201)?;
    // A name that nobody has is in the audit log.
    fort.caller(super::support::HOME).sign_in(&plain, "wrong").await?.expect(401)?;
    let typed = "%3Cscript%3Ealert(1)%3C/script%3E";
    for path in [format!("/search?q={typed}"), format!("/hosts?text={typed}"), format!("/nothing/{typed}")] {
        harmless(&path, &admin.get(&path).await?.body)?;
    }
    Ok(())
}

/// A passkey may have nearly any name; who has it had to be asked for, so it comes last.
async fn name_a_passkey(fort: &Fort) -> Outcome {
    let sql = "INSERT INTO passkeys (id, user_id, name, credential, public_key, counter, created) \
               SELECT $1, id, $2, $1, $1, 0, created FROM users WHERE name = $3";
    let mut connection = fort.open_database().await?;
    sqlx::query(sql).bind([7_u8; 16].as_slice()).bind(HOSTILE).bind(ADMIN).execute(&mut connection).await?;
    Ok(())
}

/// Follows every link from the first page; answers how many pages there were, and how many showed the text.
async fn walk(caller: &Caller) -> Outcome<(usize, usize)> {
    let mut open = vec!["/".to_owned()];
    let mut seen = BTreeSet::new();
    let mut escaped = 0;
    while let Some(path) = open.pop() {
        if seen.len() >= MOST_PAGES || !seen.insert(path.clone()) {
            continue;
        }
        let answer = caller.get(&path).await?;
        let kind = answer.headers.get("content-type").and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        if !kind.starts_with("text/html") {
            continue;
        }
        harmless(&path, &answer.body)?;
        let policy = answer.headers.get("content-security-policy").and_then(|value| value.to_str().ok());
        let strict = policy
            .is_some_and(|policy| policy.starts_with("default-src 'none'") && !policy.contains("unsafe"));
        if !strict {
            return Err(Failure::new(format!("{path} has the policy {policy:?}")));
        }
        escaped += usize::from(answer.body.contains(ESCAPED));
        open.extend(links(&answer.body));
    }
    Ok((seen.len(), escaped))
}

/// A page without the values of its fields, which hold what is stored, character by character, and only that.
fn outside_of_fields(body: &str) -> String {
    let cut = |text: &str, from: &str, to: char| -> String {
        let mut pieces = text.split(from);
        let first = pieces.next().unwrap_or_default().to_owned();
        pieces.fold(first, |kept, piece| kept + piece.split_once(to).map_or(piece, |(_, rest)| rest))
    };
    let without_areas: String = body
        .split("<textarea")
        .map(|piece| piece.split_once("</textarea>").map_or(piece, |(_, rest)| rest))
        .collect();
    cut(&without_areas, "value=\"", '"')
}

fn harmless(path: &str, body: &str) -> Outcome {
    let shown = outside_of_fields(body);
    match FORBIDDEN.iter().find(|forbidden| shown.contains(*forbidden)) {
        Some(found) => Err(Failure::new(format!("{path} carries {found:?}"))),
        None => Ok(()),
    }
}

fn links(body: &str) -> Vec<String> {
    let targets = body.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next());
    let own = targets.filter(|target| target.starts_with('/') && !target.starts_with("/assets"));
    own.map(|target| target.split('#').next().unwrap_or_default().replace("&amp;", "&")).collect()
}

fn hostile_rules() -> HostPolicy {
    let mut rules = HostPolicy::default();
    for list in [&mut rules.backup_roots, &mut rules.restore_roots, &mut rules.repositories] {
        *list = Some(vec![HOSTILE.to_owned()]);
    }
    rules
}

fn hostile_facts(policy: PolicyReport) -> HostFacts {
    let mut facts = HostFacts::default();
    facts.policy = Some(Box::new(policy));
    for field in [
        &mut facts.hostname,
        &mut facts.operating_system,
        &mut facts.os_version,
        &mut facts.architecture,
        &mut facts.agent_version,
    ] {
        HOSTILE.clone_into(field);
    }
    facts.restic_version = Some(HOSTILE.to_owned());
    facts.time_zone = Some(HOSTILE.to_owned());
    facts
}
