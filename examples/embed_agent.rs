//! An agent inside another program: enrols this host, then works until Ctrl-C.
//! The three variables are what the server shows when a host is added; no restic is needed before the first job.
#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use restic_manager_agent::{
    Agent, HostEnvironment, collect_facts,
    config::Config,
    link::{EnrolRequest, IfEnrolled, TcpDialer, enrol},
};
use restic_manager_core::{
    clock::{Clock, SystemClock},
    shutdown::Shutdown,
};
use restic_manager_crypto::{Random, SecretString, SystemRandom};
use std::{env, error::Error, path::PathBuf, sync::Arc};
use tokio::signal::unix::{SignalKind, signal};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // Asked once, the agent finishes; asked twice, it leaves at once.
    let shutdown = Shutdown::new();
    let (stopping, mut interrupt) = (shutdown.clone(), signal(SignalKind::interrupt())?);
    tokio::spawn(async move {
        while interrupt.recv().await.is_some() {
            stopping.request();
        }
    });

    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let random: Arc<dyn Random> = Arc::new(SystemRandom::new());
    let folder = PathBuf::from(env::args_os().nth(1).ok_or("say in which folder the agent keeps its files")?);

    let mut config =
        Config::new(env::var("RM_SERVER")?.parse()?, env::var("RM_SERVER_FINGERPRINT")?.parse()?);
    config.state_folder = folder.join("state");
    let request = EnrolRequest {
        config: config.clone(),
        config_path: folder.join("agent.toml"),
        facts: collect_facts(None),
        if_enrolled: IfEnrolled::Refuse,
        credentials: None,
    };
    let token = SecretString::new(env::var("RM_ENROL_TOKEN")?);
    let dialer = TcpDialer::new(&config);
    let enrolled = enrol(request, token, &dialer, &clock, &random).await?;
    println!("enrolled as {}", enrolled.host_name);

    let agent = Agent::builder(config, clock, random)
        .environment(HostEnvironment::from_lookup(|name| env::var_os(name)))
        .build()?;
    agent.run(&shutdown).await;
    println!("stopped");
    Ok(())
}
