//! Ids of another scope, on every path that the server offers.

use std::collections::BTreeMap;
use std::time::Duration;

use restic_manager_core::clock::{Clock as _, SystemClock};
use restic_manager_e2e::{Failure, Outcome};
use restic_manager_proto::agent::ReportItem;
use restic_manager_proto::vocabulary::{Cause, JobState, Role};
use restic_manager_proto::{JobEnd, Scope};
use restic_manager_testkit::{Agent, Persona};
use serde_json::{Value, json};

use super::support::{Caller, Fort};

/// Parameters that name nothing of a host.
const OTHERS: &[&str] = &[
    "user",
    "session",
    "passkey",
    "token",
    "slot",
    "freeze",
    "snapshot",
    "sequence",
    "pending_host",
    "channel",
    "route",
    "silence",
];

/// What belongs to hosts, by the parameter that names it.
struct Things(BTreeMap<&'static str, String>);

#[tokio::test]
async fn ids_of_another_scope_are_not_there_on_any_path() -> Outcome {
    let fort = Fort::start().await?;
    let things = Things::of_berlin(&fort).await?;
    fort.add_user("paris", Role::Admin, &Scope::tags(["paris"])).await?;
    let stranger = fort.signed_in("paris").await?;
    finds_nothing(&fort, &things, &stranger).await
}

#[tokio::test]
async fn a_token_for_a_part_of_the_fleet_finds_nothing_else_on_any_path() -> Outcome {
    let fort = Fort::start().await?;
    let things = Things::of_berlin(&fort).await?;
    let admin = fort.signed_in(restic_manager_e2e::ADMIN).await?;
    let wish = json!({
        "name": "paris", "role": "admin", "dangerous": true, "scope": Scope::tags(["paris"]),
        "expires_at": SystemClock.now().after(Duration::from_secs(86_400)),
    });
    let made = admin.send("POST", "/api/v1/api-tokens", Some(wish)).await?.expect(201)?.json()?;
    let token = made["token"].as_str().ok_or_else(|| Failure::new("no token"))?;
    let program = fort.caller(super::support::HOME).with("authorization", format!("Bearer {token}"));
    finds_nothing(&fort, &things, &program).await
}

/// Tries all that the server offers with the ids of a host that is not the caller's to see.
async fn finds_nothing(fort: &Fort, things: &Things, stranger: &Caller) -> Outcome {
    let owner = fort.signed_in(restic_manager_e2e::ADMIN).await?;
    let mut tried = 0;
    for (method, path, operation) in operations(&owner).await? {
        let Some(filled) = things.fill(&path)? else { continue };
        let answer = send(stranger, &method, &filled, &operation).await?;
        assert_eq!(answer.status, 404, "{method} {filled}: {}", answer.body);
        assert!(!answer.body.contains("berlin"), "{method} {filled}: {}", answer.body);
        tried += 1;
    }
    assert!(tried >= 30, "only {tried} operations name something");
    // All of it is still there for its owner: nothing was changed on the way.
    for path in [
        "hosts/{host}",
        "repositories/{repository}",
        "source-groups/{group}",
        "schedules/{schedule}",
        "enrolments/{enrolment}",
        "alerts/{alert}",
    ] {
        let path =
            things.fill(&format!("/api/v1/{path}"))?.ok_or_else(|| Failure::new("an unknown thing"))?;
        owner.get(&path).await?.expect(200)?;
    }
    Ok(())
}

#[tokio::test]
async fn lists_and_pages_show_nothing_of_another_scope() -> Outcome {
    let fort = Fort::start().await?;
    let things = Things::of_berlin(&fort).await?;
    fort.add_user("paris", Role::Admin, &Scope::tags(["paris"])).await?;
    let stranger = fort.signed_in("paris").await?;
    let lists =
        ["fleet", "hosts", "jobs", "repositories", "enrolments"].map(|list| format!("/api/v1/{list}"));
    let pages = ["/", "/hosts", "/jobs", "/repositories", "/search?q=berlin"].map(str::to_owned);
    for path in lists.iter().chain(&pages) {
        let answer = stranger.get(path).await?;
        answer.expect(200)?;
        let shown = things.0.values().find(|id| answer.body.contains(id.as_str()));
        assert_eq!(shown, None, "{path}");
        assert!(path.contains("berlin") || !answer.body.contains("berlin-1"), "{path}: {}", answer.body);
    }
    Ok(())
}

#[tokio::test]
async fn nobody_widens_the_own_scope() -> Outcome {
    let fort = Fort::start().await?;
    fort.add_user("berlin", Role::Operator, &Scope::tags(["berlin"])).await?;
    let (_remote, persona, _agent) = fort.host("own-1", &["berlin"], &[]).await?;
    let caller = fort.signed_in("berlin").await?.with("if-match", "\"1\"");
    let path = format!("/api/v1/hosts/{}", persona.host);
    for tags in [json!([]), json!(["paris"]), json!(["berlin", "paris"])] {
        let body = json!({ "name": "own-1", "tags": tags, "presence_mode": "always-on" });
        caller.send("PUT", &path, Some(body)).await?.expect(422)?;
        let body = json!({ "host_name": "own-2", "tags": tags });
        caller.send("POST", "/api/v1/enrolments", Some(body)).await?.expect(422)?;
    }
    for (method, path) in
        [("GET", "/api/v1/audit"), ("GET", "/api/v1/users"), ("POST", "/api/v1/repositories")]
    {
        caller.send(method, path, Some(json!({}))).await?.expect(403)?;
    }
    Ok(())
}

impl Things {
    /// A host with all that a host has, under names that betray it.
    async fn of_berlin(fort: &Fort) -> Outcome<Self> {
        let repository = fort.repository("berlin-1-store").await?;
        let (_remote, mut persona, mut agent) = fort.host("berlin-1", &["berlin"], &[repository]).await?;
        let admin = fort.signed_in(restic_manager_e2e::ADMIN).await?;
        let host = persona.host.to_string();
        let first = async |path: &str| -> Outcome<String> {
            let found = admin.get(path).await?.json()?;
            let id = found["items"][0]["id"].as_str().map(str::to_owned);
            id.ok_or_else(|| Failure::new(format!("{path} is empty")))
        };
        let group = first(&format!("/api/v1/hosts/{host}/source-groups")).await?;
        let job = first(&format!("/api/v1/jobs?host={host}")).await?;
        let body = json!({ "name": "berlin-1-nightly", "cron": "30 2 * * *", "zone": "UTC", "source_groups": [group] });
        let alert = alert_about(fort, &mut persona, &mut agent).await?;
        let schedules = format!("/api/v1/hosts/{host}/schedules");
        admin.send("POST", &schedules, Some(body)).await?.expect(201)?;
        let schedule = first(&schedules).await?;
        let enrolment = fort.invite("berlin-1-next", &["berlin"], &[]).await?.enrolment.id.to_string();
        let until = SystemClock.now().after(Duration::from_secs(3600));
        let window = json!({ "scope": Scope::Hosts { hosts: [persona.host].into() }, "until": until, "reason": "berlin-1 moves" });
        let window = admin.send("POST", "/api/v1/maintenance", Some(window)).await?.expect(201)?.json()?;
        let things = [
            ("window", window["id"].as_str().unwrap_or_default().to_owned()),
            ("host", host),
            ("repository", repository.to_string()),
            ("group", group),
            ("schedule", schedule),
            ("job", job),
            ("alert", alert),
            ("enrolment", enrolment),
        ];
        Ok(Self(things.into_iter().collect()))
    }

    /// The path with its parameters filled in; nothing when none of them belongs to a host.
    fn fill(&self, path: &str) -> Outcome<Option<String>> {
        let (mut filled, mut named) = (String::new(), false);
        for part in path.split('{') {
            let Some((name, rest)) = part.split_once('}') else {
                filled.push_str(part);
                continue;
            };
            let id = self.0.get(name);
            if id.is_none() && !OTHERS.contains(&name) {
                return Err(Failure::new(format!(
                    "give here what a host has under {{{name}}}, or say it is of none"
                )));
            }
            named |= id.is_some();
            let other = if name == "slot" { "everyday" } else { "01932f6e-1c2d-7a4b-8e9f-0123456789ab" };
            filled.push_str(id.map_or(other, String::as_str));
            filled.push_str(rest);
        }
        Ok(named.then_some(filled))
    }
}

/// An alert about a host, raised by its agent: it speaks for a job that another host has.
async fn alert_about(fort: &Fort, persona: &mut Persona, agent: &mut Agent) -> Outcome<String> {
    let own = fort.repository("elsewhere-store").await?;
    let (_remote, other, _agent) = fort.host("elsewhere-1", &["elsewhere"], &[own]).await?;
    let admin = fort.signed_in(restic_manager_e2e::ADMIN).await?;
    let jobs = admin.get(&format!("/api/v1/jobs?host={}", other.host)).await?.json()?;
    let job = serde_json::from_value(jobs["items"][0]["id"].clone())?;
    agent.order().await;
    let (at, end) = (SystemClock.now(), JobEnd::new(JobState::Failed, Cause::Other));
    persona.report(agent, vec![ReportItem::JobEnded { job, at, end }]).await;
    let alerts = admin.get("/api/v1/alerts").await?.json()?;
    assert_eq!(alerts["items"][0]["kind"], "agent-overreach", "{alerts}");
    alerts["items"][0]["id"].as_str().map(str::to_owned).ok_or_else(|| Failure::new("an alert without an id"))
}

/// All that the server says it offers.
async fn operations(caller: &Caller) -> Outcome<Vec<(String, String, Value)>> {
    let document = caller.get("/api/v1/openapi.json").await?.json()?;
    let paths = document["paths"].as_object().cloned().unwrap_or_default();
    let of_path = |(path, methods): (String, Value)| {
        let methods = methods.as_object().cloned().unwrap_or_default();
        methods
            .into_iter()
            .map(move |(method, operation)| (method.to_ascii_uppercase(), path.clone(), operation))
    };
    Ok(paths.into_iter().flat_map(of_path).collect())
}

async fn send(
    caller: &Caller,
    method: &str,
    path: &str,
    operation: &Value,
) -> Outcome<super::support::Answer> {
    let has_body = operation["requestBody"].is_object();
    let caller = caller.with("if-match", "\"1\"");
    caller.send(method, path, has_body.then(|| json!({}))).await
}

#[tokio::test]
async fn an_operator_gets_no_agent_the_password_of_a_shared_repository() -> Outcome {
    let fort = Fort::start().await?;
    let shared = fort.repository("shared").await?;
    let (_remote, berlin, _agent) = fort.host("berlin-1", &["berlin"], &[shared]).await?;
    let (_remote, _paris, _other) = fort.host("paris-1", &["paris"], &[shared]).await?;
    let spare = fort.repository("spare").await?;
    let (_remote, _spare, _third) = fort.host("berlin-2", &["berlin"], &[spare]).await?;
    for role in [Role::Operator, Role::Admin] {
        let name = format!("berlin-{role}");
        fort.add_user(&name, role, &Scope::tags(["berlin"])).await?;
        let caller = fort.signed_in(&name).await?;
        let invitation = json!({
            "host_name": "mine", "tags": ["berlin"], "repositories": [{ "repository": shared }],
        });
        caller.send("POST", "/api/v1/enrolments", Some(invitation)).await?.expect(403)?;
    }
    let operator = fort.signed_in("berlin-operator").await?;
    let attach = format!("/api/v1/hosts/{}/repositories/{spare}", berlin.host);
    operator.send("PUT", &attach, Some(json!({}))).await?.expect(403)?;
    Ok(())
}
