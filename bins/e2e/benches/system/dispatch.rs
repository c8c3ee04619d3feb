//! From sending the request for a job until its command is at the agent, over a loop-back network.

use std::sync::Arc;
use std::time::Instant;

use restic_manager_core::clock::SystemClock;
use restic_manager_crypto::{Identity, SystemRandom};
use restic_manager_e2e::{Outcome, World};
use restic_manager_proto::agent::ReportItem;
use restic_manager_proto::vocabulary::RepositoryState;
use restic_manager_testkit::{Agent, Persona, Remote, ended, started};

use crate::figures::percentile;
use crate::floor;

const TIMES: usize = 300;

/// One agent that only follows the protocol, so that nothing but the way to it is measured.
#[expect(clippy::disallowed_methods, reason = "measures")]
pub(crate) async fn measure(world: &World) -> Outcome {
    let (server, mut persona, mut agent) = enrolled(world).await?;
    let mut times = Vec::with_capacity(TIMES);
    for _ in 0..TIMES {
        let start = Instant::now();
        let arrive = async { (agent.order().await, start.elapsed()) };
        let (asked, (order, arrived)) = tokio::join!(world.ask_for_backup(persona.host), arrive);
        asked?;
        times.push(arrived);
        let now = server.clock.now();
        persona.report(&mut agent, vec![started(now, order.job), ended(now, order.job)]).await;
    }
    let mut floor = floor::times(world.folder(), TIMES).await?;
    println!(
        "\nfrom POST job to the command at the agent, {TIMES} times, SQLite; beside the least that it takes"
    );
    println!("(a connection, one POST, one commit with full sync, one message pushed: in the same run)");
    for (name, share) in [("p50", 0.5), ("p99", 0.99)] {
        let (ours, least) = (percentile(&mut times, share), percentile(&mut floor, share));
        println!("  {name}  {ours:>8.2} ms   least {least:>8.2} ms   ratio {:.2}", ours / least);
    }
    Ok(())
}

async fn enrolled(world: &World) -> Outcome<(Remote, Persona, Agent)> {
    let invitation = world.invite("scripted", &["/srv".as_ref()]).await?;
    let server = remote(world, &invitation.server_fingerprint)?;
    let identity = Identity::generate(&SystemRandom::new());
    let (mut persona, mut agent) = Persona::enrol(&server, identity, invitation.token.expose()).await;
    agent.take_stock(Vec::new()).await;
    // A new host is asked to look at its repository first.
    let (order, now) = (agent.order().await, server.clock.now());
    let checked = ReportItem::RepositoryChecked {
        repository: order.repository.id,
        at: now,
        state: RepositoryState::Ready,
        detail: String::new(),
    };
    persona.report(&mut agent, vec![started(now, order.job), checked, ended(now, order.job)]).await;
    Ok((server, persona, agent))
}

/// The server itself, past the proxy that stands before it.
pub(crate) fn remote(world: &World, fingerprint: &str) -> Outcome<Remote> {
    let clock = Arc::new(SystemClock);
    Ok(Remote { address: world.server.address(), fingerprint: fingerprint.parse()?, clock })
}
