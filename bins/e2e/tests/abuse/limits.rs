//! One peer who wants more than its share; memory, disk and the others are watched.

use std::net::Ipv4Addr;
use std::path::Path;
use std::time::Duration;

use restic_manager_core::clock::{Clock as _, SystemClock};
use restic_manager_crypto::{Random as _, SystemRandom};
use restic_manager_e2e::{ADMIN, Failure, Outcome};
use restic_manager_proto::agent::{Message, Report, ReportItem, SlotJob};
use restic_manager_proto::vocabulary::{LogStream, Role};
use restic_manager_proto::{JobId, LogLine, RepositoryId, ScheduleId, Scope, SnapshotSeen, SourceGroupId};
use restic_manager_testkit::{Agent, Persona, Remote, started};
use serde_json::json;
use tokio_tungstenite::client_async;

use super::support::{Fort, HOME};

const MIB: u64 = 1024 * 1024;

#[tokio::test]
async fn a_crowd_at_the_door_fills_no_memory() -> Outcome {
    let fort = Fort::start().await?;
    fort.caller(HOME).sign_in("nobody", "wrong").await?.expect(401)?;
    let before = memory(&fort)?;
    for round in 0..4 {
        let crowd = (1..=30).map(|n| {
            let caller = fort.caller(Ipv4Addr::new(127, 0, 3 + round, n));
            tokio::spawn(async move { caller.sign_in(&format!("nobody-{round}-{n}"), "wrong").await })
        });
        for guess in crowd.collect::<Vec<_>>() {
            let status = guess.await.map_err(|error| Failure::new(error.to_string()))??.status;
            assert!(matches!(status, 401 | 429), "{status}");
        }
    }
    let grown = memory(&fort)?.saturating_sub(before);
    assert!(grown < 64 * MIB, "120 guesses took {} MiB that did not come back", grown / MIB);
    Ok(())
}

#[tokio::test]
async fn silent_handshakes_keep_no_agent_out() -> Outcome {
    let fort = Fort::start().await?;
    let (remote, persona, agent) = fort.host("web-1", &[], &[]).await?;
    drop(agent);
    let mut silent = Vec::new();
    for _ in 0..300 {
        let stream = fort.caller(HOME).connect().await?;
        silent.push(client_async(format!("ws://{}/ws/agent", remote.address), stream).await?.0);
    }
    let agent = persona.connect(&remote).await;
    assert_eq!(agent.welcome.host, persona.host);
    assert_eq!(silent.len(), 300);
    Ok(())
}

#[tokio::test]
async fn slots_that_no_schedule_has_make_no_jobs() -> Outcome {
    let fort = Fort::start().await?;
    let repository = fort.repository("main").await?;
    let (_remote, mut persona, mut agent, _first) = host_at_work(&fort, repository).await?;
    let now = SystemClock.now();
    let group = SourceGroupId::from_parts(now, [2; 10]);
    let slots = (1..=1500_u64).map(|number| {
        let slot = now.before(Duration::from_secs(60 * 60 * number));
        let bytes = number.to_be_bytes();
        let job = JobId::from_parts(slot, [bytes[6], bytes[7], 1, 1, 1, 1, 1, 1, 1, 1]);
        let schedule = ScheduleId::from_parts(now, [1; 10]);
        ReportItem::SlotDue { schedule, slot, at: slot, jobs: vec![SlotJob { job, group, repository }] }
    });
    persona.report(&mut agent, slots.collect()).await;
    let path = format!("/api/v1/jobs?host={}&limit=100", persona.host);
    let jobs = fort.signed_in(ADMIN).await?.get(&path).await?.json()?["items"].as_array().map(Vec::len);
    assert_eq!(jobs, Some(1), "the one that the server asked for");
    Ok(())
}

#[tokio::test]
async fn a_log_without_end_has_an_end_on_the_disk() -> Outcome {
    let fort = Fort::start().await?;
    let repository = fort.repository("main").await?;
    let (_remote, mut persona, mut agent, job) = host_at_work(&fort, repository).await?;
    let (before, mut sequence) = (disk(fort.server.data())?, 0);
    for _ in 0..96 {
        let mut item = || {
            let lines = (0..20).map(|_| noise(&mut sequence)).collect();
            ReportItem::JobLog { job, lines, dropped: 0 }
        };
        let items = vec![item(), item()];
        persona.report(&mut agent, items).await;
    }
    let admin = fort.signed_in(ADMIN).await?;
    let log = admin.get(&format!("/api/v1/jobs/{job}")).await?;
    log.expect(200)?;
    let grown = disk(fort.server.data())?.saturating_sub(before);
    assert!(sequence * 16 * 1024 > 55 * MIB, "enough was sent");
    assert!(grown < 26 * MIB, "{} MiB on the disk", grown / MIB);
    Ok(())
}

#[tokio::test]
async fn a_long_listing_holds_up_nobody() -> Outcome {
    let fort = Fort::start().await?;
    let repository = fort.repository("main").await?;
    let (_remote, mut persona, mut agent, _job) = host_at_work(&fort, repository).await?;
    let at = SystemClock.now();
    let all: Vec<_> = (0..20_000_u64).map(|number| SnapshotSeen::new(format!("{number:064x}"), at)).collect();
    let mut parts = ReportItem::listing(repository, at, &all).ok_or_else(|| Failure::new("too long"))?;
    let last = parts.split_off(parts.len() - 1);
    for part in parts {
        let report = Report::new(persona.outbox, persona.sent + 1, vec![part]);
        persona.sent = report.last();
        agent.send(Message::Report(report));
        while agent.link.next_or_sent().await?.is_some() {}
    }
    let admin = fort.signed_in(ADMIN).await?;
    let others = async {
        for number in 0..20 {
            let body = json!({ "host_name": format!("other-{number}") });
            admin.send("POST", "/api/v1/enrolments", Some(body)).await?.expect(201)?;
        }
        Outcome::Ok(())
    };
    let (served, ()) = tokio::join!(others, persona.report(&mut agent, last));
    served?;
    let host = admin.get(&format!("/api/v1/hosts/{}", persona.host)).await?.json()?;
    assert_eq!(host["snapshots"], 20_000, "{host}");
    assert!(memory(&fort)? < 400 * MIB, "{} MiB", memory(&fort)? / MIB);
    Ok(())
}

#[tokio::test]
async fn who_is_refused_again_and_again_does_not_bury_the_audit_log() -> Outcome {
    let fort = Fort::start().await?;
    fort.add_user("vera", Role::Viewer, &Scope::All).await?;
    let viewer = fort.signed_in("vera").await?;
    for number in 0..50 {
        let body = json!({ "host_name": format!("web-{number}") });
        viewer.send("POST", "/api/v1/enrolments", Some(body)).await?.expect(403)?;
    }
    let audited = fort.audited().await?;
    let refused = audited.iter().filter(|entry| entry["action"] == "access-refused").count();
    assert!((30..45).contains(&refused), "{refused} entries");
    Ok(())
}

/// A host whose agent works on its first job.
async fn host_at_work(fort: &Fort, repository: RepositoryId) -> Outcome<(Remote, Persona, Agent, JobId)> {
    let (remote, mut persona, mut agent) = fort.host("web-1", &[], &[repository]).await?;
    let order = agent.order().await;
    persona.report(&mut agent, vec![started(SystemClock.now(), order.job)]).await;
    Ok((remote, persona, agent, order.job))
}

/// A line of 16 KiB that cannot be made much shorter.
fn noise(sequence: &mut u64) -> LogLine {
    *sequence += 1;
    let mut bytes = [0; 8 * 1024];
    SystemRandom::new().fill(&mut bytes);
    let text = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    LogLine { sequence: *sequence, at: SystemClock.now(), stream: LogStream::Stdout, text }
}

/// What the server's process holds in memory.
fn memory(fort: &Fort) -> Outcome<u64> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", fort.server.id()))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|rest| rest.trim().strip_suffix("kB")?.trim().parse::<u64>().ok());
    kib.map(|kib| kib * 1024).ok_or_else(|| Failure::new("the process tells no memory"))
}

/// The bytes of all files in a folder.
fn disk(folder: &Path) -> Outcome<u64> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(folder)? {
        let data = entry?.metadata()?;
        bytes += if data.is_file() { data.len() } else { 0 };
    }
    Ok(bytes)
}
