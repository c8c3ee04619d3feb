//! Hosts without a token: announced, compared, accepted or rejected, with real programs.

use restic_manager_e2e::{Agent, Failure, Outcome, Running, World, until};
use restic_manager_proto::api::enrolments::NewAttachment;
use restic_manager_proto::api::pending_hosts::{Accept, Acceptance, List, PendingHost, Reject};
use restic_manager_proto::api::registration::{Registration, RegistrationChange, Update};
use restic_manager_proto::api::server::Version;
use restic_manager_proto::vocabulary::JobState;
use std::time::Duration;

use crate::support::sample;

const SOON: Duration = Duration::from_secs(60);

async fn set_announcements(world: &World, announce: bool) -> Outcome<Registration> {
    world.api.call::<Update>(&[], None, Some(&RegistrationChange { open: true, announce })).await
}

/// An agent that announces itself, and what it prints.
async fn announced(world: &World, name: &str) -> Outcome<(Agent, Running, String)> {
    let agent = Agent::new(&world.path(name), "info")?;
    let pinned = world.api.call::<Version>(&[], None, None).await?.fingerprint;
    let waiting = agent.announce(&world.server.base_url(), &pinned)?;
    waiting.line_with("Announced. Waiting for an admin, 60 minutes at most.", SOON).await?;
    let text = waiting.text();
    let printed = text.lines().skip_while(|line| !line.contains("The fingerprint of this host"));
    let printed = printed.map(str::trim).filter(|line| !line.is_empty()).nth(1);
    let printed = printed.ok_or_else(|| Failure::new(format!("no fingerprint in {text}")))?.to_owned();
    Ok((agent, waiting, printed))
}

/// The announced host with this fingerprint, once its agent is connected.
async fn waiting(world: &World, fingerprint: &str) -> Outcome<PendingHost> {
    until("the announced host to wait", SOON, || async {
        let all = world.api.call::<List>(&[], None, None).await?.items;
        Ok(all.into_iter().find(|host| host.fingerprint == fingerprint && host.connected))
    })
    .await
}

#[tokio::test]
async fn an_announced_host_is_accepted_and_backs_up() -> Outcome {
    let mut world = World::start().await?;
    let files = sample(&world, "files", 0)?;
    set_announcements(&world, true).await?;
    let (mut agent, mut announcing, fingerprint) = announced(&world, "agent").await?;

    // A server that goes and comes back is waited for.
    world.server.stop().await?;
    announcing.line_with("trying again in", SOON).await?;
    world.restart_server().await?;
    let host = waiting(&world, &fingerprint).await?;
    assert!(!host.os_version.is_empty() && !host.agent_version.is_empty(), "{host:?}");

    let body = Acceptance {
        fingerprint,
        host_name: "web-1".to_owned(),
        tags: Vec::new(),
        presence_mode: None,
        repositories: vec![NewAttachment { repository: world.repository, location: None }],
        include_paths: vec![files.to_string_lossy().into_owned()],
    };
    let accepted = world.api.call::<Accept>(&[&host.id.to_string()], None, Some(&body)).await?;
    assert!(announcing.ended(SOON).await?.success(), "{}", announcing.text());
    announcing.line_with("This host is web-1 now.", SOON).await?;

    agent.became(accepted.id);
    agent.begin()?;
    world.online(accepted.id).await?;
    let job = world.ask_for_backup(accepted.id).await?;
    assert_eq!(world.ended(job.id).await?.state, JobState::Succeeded);
    assert!(world.api.call::<List>(&[], None, None).await?.items.is_empty());
    Ok(())
}

#[tokio::test]
async fn a_rejected_host_ends_with_a_code_of_its_own() -> Outcome {
    let world = World::start().await?;
    set_announcements(&world, true).await?;
    let (agent, mut announcing, fingerprint) = announced(&world, "agent").await?;
    let host = waiting(&world, &fingerprint).await?;
    world.api.call::<Reject>(&[&host.id.to_string()], None, None).await?;
    assert_eq!(announcing.ended(SOON).await?.code(), Some(5), "{}", announcing.text());
    announcing.line_with("an admin rejected this host", SOON).await?;
    assert!(!agent.folder().join("agent.toml").exists(), "a host that is none keeps no configuration");
    Ok(())
}

#[tokio::test]
async fn who_waits_ends_when_announcements_are_switched_off_or_it_is_told_to_stop() -> Outcome {
    let world = World::start().await?;
    set_announcements(&world, true).await?;
    let (_agent, mut announcing, fingerprint) = announced(&world, "agent").await?;
    let (_other, mut stopped, _) = announced(&world, "other").await?;
    stopped.signal(restic_manager_e2e::Signal::Terminate)?;
    assert_eq!(stopped.ended(SOON).await?.code(), Some(1), "{}", stopped.text());
    stopped.line_with("it was asked to stop", SOON).await?;

    waiting(&world, &fingerprint).await?;
    set_announcements(&world, false).await?;
    assert_eq!(announcing.ended(SOON).await?.code(), Some(4), "{}", announcing.text());
    announcing.line_with("takes no announcements", SOON).await?;
    Ok(())
}
