//! What a host allows, tokens that are replaced, and records that change hands: with real programs.

use restic_manager_e2e::{Agent, Outcome, World};
use restic_manager_proto::Timestamp;
use restic_manager_proto::api::hosts::{Invite, RotateToken};
use restic_manager_proto::vocabulary::{Cause, JobState, Presence};
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::time::Duration;

use crate::support::sample;

const SOON: Duration = Duration::from_secs(30);

/// Says on the host what its server may do. The policy must be root's, so only root's tests can write one.
fn allow(agent: &Agent, rules: &str) -> Outcome<bool> {
    let (policy, config) = (agent.folder().join("policy.toml"), agent.folder().join("agent.toml"));
    fs::write(&policy, rules)?;
    let written = fs::read_to_string(&config)?;
    fs::write(&config, format!("policy_file = {:?}\n{written}", policy.display().to_string()))?;
    Ok(fs::metadata(&policy)?.uid() == 0)
}

#[tokio::test]
async fn a_host_does_only_what_its_own_policy_allows() -> Outcome {
    let world = World::start().await?;
    let files = sample(&world, "files", 0)?;
    let mut agent = world.enrol_only("web-1", &[&files]).await?;
    let is_trusted = allow(&agent, "backup_roots = [\"/srv/only-this\"]\n")?;
    agent.begin()?;
    world.online(agent.host()?).await?;

    let job = world.ask_for_backup(agent.host()?).await?;
    let job = world.ended(job.id).await?;
    assert_eq!((job.state, job.cause), (JobState::Failed, Cause::AgentRefused), "{job:?}");
    let reason = if is_trusted { "/srv/only-this" } else { "chown root" };
    assert!(job.detail.contains(reason) && job.detail.contains("policy.toml"), "{job:?}");
    assert!(job.advice.contains("policy file"), "{job:?}");
    let seen = |host: &restic_manager_proto::api::hosts::Host| host.facts.policy.is_some();
    let host = world.host_when("the policy to be reported", agent.host()?, seen).await?;
    let policy = host.facts.policy.as_deref().map(|policy| (policy.file.clone(), policy.digest.clone()));
    assert!(
        policy.is_some_and(|(file, digest)| file.ends_with("policy.toml") && digest.is_empty() != is_trusted)
    );

    // Another one holds from now on, without a restart.
    if is_trusted {
        allow(&agent, "updates = false\n")?;
        let job = world.ask_for_backup(agent.host()?).await?;
        assert_eq!(world.ended(job.id).await?.state, JobState::Succeeded);
    }
    // One that is named and gone allows nothing.
    fs::remove_file(agent.folder().join("policy.toml"))?;
    let job = world.ask_for_backup(agent.host()?).await?;
    assert_eq!(world.ended(job.id).await?.cause, Cause::AgentRefused);
    Ok(())
}

#[tokio::test]
async fn a_token_is_replaced_whenever_the_agent_is_killed() -> Outcome {
    let world = World::start().await?;
    let files = sample(&world, "files", 0)?;
    let mut agent = world.enrol("web-1", &[&files]).await?;
    let host = agent.host()?;
    let mut before = world.online(host).await?.token_since;
    for pause in [0, 1, 3, 10, 30] {
        world.api.call::<RotateToken>(&[&host.to_string()], None, None).await?;
        // Anywhere between the offer, the agent's disk and the server's.
        let _reached = agent.running()?.line_with("never said", Duration::from_millis(pause)).await;
        agent.kill().await?;
        agent.begin()?;
        let is_new = |since: Option<Timestamp>| since.is_some() && since != before;
        let renewed = |host: &restic_manager_proto::api::hosts::Host| {
            host.presence == Presence::Online && is_new(host.token_since)
        };
        before = world.host_when("a new token in force", host, renewed).await?.token_since;
    }
    let job = world.ask_for_backup(host).await?;
    assert_eq!(world.ended(job.id).await?.state, JobState::Succeeded);
    assert!(!agent.text().contains("does not know this agent"), "{}", agent.text());
    Ok(())
}

#[tokio::test]
async fn a_new_agent_goes_on_where_the_old_one_was() -> Outcome {
    let world = World::start().await?;
    let files = sample(&world, "files", 0)?;
    let mut old = world.enrol("web-1", &[&files]).await?;
    let host = old.host()?;
    let job = world.ask_for_backup(host).await?;
    assert_eq!(world.ended(job.id).await?.state, JobState::Succeeded);

    let invitation = world.api.call::<Invite>(&[&host.to_string()], None, None).await?;
    let mut new = Agent::new(&world.path("new-machine"), "info")?;
    new.enrol(&invitation).await?;
    new.became(host);
    old.running()?.line_with("could not", SOON).await?;
    new.begin()?;
    world.online(host).await?;
    let job = world.ask_for_backup(host).await?;
    assert_eq!(world.ended(job.id).await?.state, JobState::Succeeded);
    let shown = world.host_when("both backups", host, |host| host.snapshots == 2).await?;
    assert_eq!(shown.name, "web-1");
    Ok(())
}
