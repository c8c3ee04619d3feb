//! Signing in beside the floor of the algorithm itself, and what a flood of it costs everybody else.
//!
//! Prints, asserts nothing. Run by `cargo xtask bench logins`, which builds the binaries as they are shipped.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "figures are for people")]

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::try_join_all;
use restic_manager_core::clock::SystemClock;
use restic_manager_crypto::{Identity, PasswordCost, Passwords, SecretString, SystemRandom};
use restic_manager_e2e::{ADMIN, ADMIN_PASSWORD, Api, Outcome, Server, ServerOptions};
use restic_manager_proto::api::enrolments::{Create as Invite, NewEnrolment};
use restic_manager_proto::api::hosts::List as ListHosts;
use restic_manager_testkit::{Persona, Remote};
use tokio::task::spawn_blocking;

/// How long each figure is measured.
const SPAN: Duration = Duration::from_secs(10);
/// As many as the server hashes at once.
const THREADS: usize = 2;
/// People who sign in again and again.
const PEOPLE: usize = 16;
/// Hosts in the list that others read meanwhile.
const HOSTS: usize = 50;

#[tokio::main]
async fn main() -> ExitCode {
    match measure().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("could not measure: {failure}");
            ExitCode::FAILURE
        }
    }
}

async fn measure() -> Outcome {
    let load = std::fs::read_to_string("/proc/loadavg")?;
    println!("load {} before", load.split(' ').next().unwrap_or_default());
    let floor = floor().await?;
    let folder = tempfile::Builder::new().prefix("restic-manager-logins-").tempdir()?;
    let server = Server::start(ServerOptions::new(folder.path().join("server"))).await?;
    let admin = server.bootstrap(ADMIN, ADMIN_PASSWORD).await?;
    furnish(&server, &admin).await?;

    let mut calm = reading(&admin, SPAN).await?;
    let flood = Arc::new(Flood::default());
    let (signed_in, mut busy) = tokio::join!(flood.run(&server), async {
        let busy = reading(&admin, SPAN).await;
        flood.over.store(true, Ordering::Relaxed);
        busy
    });
    let signed_in = signed_in? as f64 / SPAN.as_secs_f64();
    let busy = busy.as_mut().map_err(|failure| restic_manager_e2e::Failure::new(failure.to_string()))?;
    println!(
        "\nsigning in, {PEOPLE} people at once, over the network, each with a session and an audit entry"
    );
    println!(
        "  {signed_in:>8.1} logins/s   the algorithm alone {floor:>8.1}/s   ratio {:.2}",
        signed_in / floor
    );
    println!("\nGET /api/v1/hosts of {HOSTS} hosts, meanwhile and before, a connection each");
    for (name, share) in [("p50", 0.5), ("p99", 0.99)] {
        let (during, before) = (percentile(busy, share), percentile(&mut calm, share));
        println!("  {name}  {during:>8.2} ms   before {before:>8.2} ms   ratio {:.2}", during / before);
    }
    println!("  {} requests during the flood, {} before", busy.len(), calm.len());
    Ok(())
}

/// argon2id with the server's parameters, on as many threads, and nothing else.
#[expect(clippy::disallowed_methods, reason = "measures")]
async fn floor() -> Outcome<f64> {
    let passwords = Arc::new(Passwords::new(PasswordCost::default()));
    let password = SecretString::new(ADMIN_PASSWORD);
    let stored = passwords.hash(&password, &SystemRandom::new())?;
    let parameters = stored.split('$').skip(1).take(3).collect::<Vec<_>>().join(" ");
    println!("{parameters} (memory in KiB, passes, lanes), {THREADS} threads");
    let hashing = (0..THREADS).map(|_| {
        let (passwords, password, stored) = (Arc::clone(&passwords), password.clone(), stored.clone());
        spawn_blocking(move || {
            let (start, mut hashed) = (Instant::now(), 0_u64);
            while start.elapsed() < SPAN {
                if passwords.verify(&password, &stored).is_ok() {
                    hashed += 1;
                }
            }
            hashed
        })
    });
    let hashed: u64 = try_join_all(hashing).await?.iter().sum();
    Ok(hashed as f64 / SPAN.as_secs_f64())
}

/// Hosts that have enrolled.
async fn furnish(server: &Server, admin: &Api) -> Outcome {
    for n in 0..HOSTS {
        let body = NewEnrolment {
            host_name: format!("host-{n}"),
            tags: Vec::new(),
            presence_mode: None,
            repositories: Vec::new(),
            include_paths: Vec::new(),
        };
        let invitation = admin.call::<Invite>(&[], None, Some(&body)).await?;
        let fingerprint = invitation.server_fingerprint.parse()?;
        let remote = Remote { address: server.address(), fingerprint, clock: Arc::new(SystemClock) };
        let identity = Identity::generate(&SystemRandom::new());
        Persona::enrol(&remote, identity, invitation.token.expose()).await;
    }
    Ok(())
}

/// How long each reading of the list takes.
#[expect(clippy::disallowed_methods, reason = "measures")]
async fn reading(admin: &Api, span: Duration) -> Outcome<Vec<Duration>> {
    let (begin, mut times) = (Instant::now(), Vec::new());
    while begin.elapsed() < span {
        let start = Instant::now();
        admin.call::<ListHosts>(&[], Some(&Default::default()), None).await?;
        times.push(start.elapsed());
    }
    Ok(times)
}

/// People who sign in until it is over.
#[derive(Default)]
struct Flood {
    over: AtomicBool,
    signed_in: AtomicU64,
}

impl Flood {
    async fn run(&self, server: &Server) -> Outcome<u64> {
        let base_url = server.base_url();
        let people = (0..PEOPLE).map(|_| async {
            while !self.over.load(Ordering::Relaxed) {
                // Whoever finds the queue full comes again, as people do.
                if Api::sign_in(server.address(), &base_url, ADMIN, ADMIN_PASSWORD).await.is_ok() {
                    self.signed_in.fetch_add(1, Ordering::Relaxed);
                }
            }
            Outcome::Ok(())
        });
        try_join_all(people).await?;
        Ok(self.signed_in.load(Ordering::Relaxed))
    }
}

/// A share of sorted times in milliseconds: 0.5 is the median.
fn percentile(times: &mut [Duration], share: f64) -> f64 {
    times.sort_unstable();
    let last = times.len().saturating_sub(1);
    times[(last as f64 * share).round() as usize].as_secs_f64() * 1000.0
}
