//! What the server spends on agents that are connected and have nothing to do.

use restic_manager_crypto::{Identity, SystemRandom};
use restic_manager_e2e::{Outcome, World};
use restic_manager_proto::api::enrolments::{Create, NewEnrolment};
use restic_manager_testkit::{Persona, Remote};
use tokio::task::JoinSet;

use crate::dispatch::remote;
use crate::figures::Memory;
use crate::memory::show;

const AGENTS: usize = 1000;

/// Enrols the agents, starts the server anew so that nothing of that is left in its memory, and lets them come back.
pub(crate) async fn measure(world: &mut World) -> Outcome {
    let mut personas = Vec::with_capacity(AGENTS);
    let mut fingerprint = String::new();
    for index in 0..AGENTS {
        let body = NewEnrolment {
            host_name: format!("idle-{index:04}"),
            tags: Vec::new(),
            presence_mode: None,
            repositories: Vec::new(),
            include_paths: Vec::new(),
        };
        let invitation = world.api.call::<Create>(&[], None, Some(&body)).await?;
        let server = remote(world, &invitation.server_fingerprint)?;
        let identity = Identity::generate(&SystemRandom::new());
        personas.push(Persona::enrol(&server, identity, invitation.token.expose()).await.0);
        fingerprint = invitation.server_fingerprint;
    }
    world.server.stop().await?;
    world.restart_server().await?;
    let server = remote(world, &fingerprint)?;

    let mut connected = JoinSet::new();
    let at_start = Memory::of(world.server.id())?;
    let first = AGENTS / 10;
    come_back(&server, &personas[..first], &mut connected).await;
    let some = Memory::of(world.server.id())?;
    come_back(&server, &personas[first..], &mut connected).await;
    let all = Memory::of(world.server.id())?;

    println!("\nserver with idle agents");
    show("freshly started", at_start);
    show(&format!("{first} agents"), some);
    show(&format!("{AGENTS} agents"), all);
    let each = (all.resident - some.resident) / (AGENTS - first) as f64;
    println!(
        "  {each:.1} KiB per agent from the {first}th on; {} lost their connection",
        AGENTS - connected.len()
    );
    Ok(())
}

async fn come_back(server: &Remote, personas: &[Persona], connected: &mut JoinSet<()>) {
    for persona in personas {
        let mut agent = persona.connect(server).await;
        agent.take_stock(Vec::new()).await;
        connected.spawn(async move { while agent.link.next().await.is_ok() {} });
    }
    // Those that have ended meanwhile no longer count.
    while connected.try_join_next().is_some() {}
}
