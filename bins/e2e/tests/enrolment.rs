//! Who gets in, and who does not.

use restic_manager_e2e::{Agent, Outcome, World};
use restic_manager_proto::api::audit::{Filter, List as ListAudit};
use restic_manager_proto::api::hosts::{Delete as DeleteHost, List as ListHosts, Show as ShowHost};
use restic_manager_proto::vocabulary::Action;
use std::time::Duration;

use crate::support::sample;

#[tokio::test]
async fn a_token_is_spent_once_and_every_refusal_reads_the_same() -> Outcome {
    let world = World::start().await?;
    let files = sample(&world, "files", 0)?;
    let invitation = world.invite("web-1", &[&files]).await?;
    Agent::new(&world.path("first"), "info")?.enrol(&invitation).await?;

    let (server, fingerprint) = (invitation.server_url.as_str(), invitation.server_fingerprint.as_str());
    let mut refusals = Vec::new();
    for (index, token) in [invitation.token.expose(), "rme_neverIssued", "malformed"].iter().enumerate() {
        let mut agent = Agent::new(&world.path(&format!("late-{index}")), "info")?;
        let output = agent.try_enrol(server, fingerprint, token).await?;
        assert!(!output.status.success(), "{token} was accepted");
        assert!(!agent.folder().join("agent.toml").exists(), "a refused agent keeps nothing");
        refusals.push(output.status.code());
    }
    assert_eq!(refusals[0], refusals[1]);
    let hosts = world.api.call::<ListHosts>(&[], Some(&Default::default()), None).await?;
    assert_eq!(hosts.items.len(), 1);
    let refused = Filter { action: Some(Action::EnrolmentRefused), ..Filter::default() };
    assert!(!world.api.call::<ListAudit>(&[], Some(&refused), None).await?.items.is_empty());
    Ok(())
}

#[tokio::test]
async fn an_agent_does_not_speak_to_another_server_than_it_was_told() -> Outcome {
    let world = World::start().await?;
    let other = World::start().await?;
    let files = sample(&world, "files", 0)?;
    let invitation = world.invite("web-1", &[&files]).await?;
    let mut agent = Agent::new(&world.path("agent"), "info")?;
    let other_fingerprint = other.invite("web-1", &[&files]).await?.server_fingerprint;
    let output =
        agent.try_enrol(&invitation.server_url, &other_fingerprint, invitation.token.expose()).await?;
    assert!(!output.status.success());
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("fingerprint"), "{said}");
    // The token was not spent on the wrong server.
    agent.enrol(&invitation).await
}

#[tokio::test]
async fn deleting_a_host_ends_its_agents_trust_at_once() -> Outcome {
    let world = World::start().await?;
    let files = sample(&world, "files", 0)?;
    let mut agent = world.enrol("web-1", &[&files]).await?;
    world.api.call::<DeleteHost>(&[&agent.host()?.to_string()], None, None).await?;
    // Its own log says why, and what to do; it does not come back by itself.
    let told = agent.running()?.line_with("removed from the server", Duration::from_secs(30)).await?;
    assert!(told.contains("enrol it again"), "{told}");
    let shown = world.api.call::<ShowHost>(&[&agent.host()?.to_string()], None, None).await?;
    assert!(shown.deleted_at.is_some(), "its history stays readable");
    Ok(())
}
