//! Hosts that announce themselves and are none.

use std::net::Ipv4Addr;

use restic_manager_crypto::{Identity, SystemRandom};
use restic_manager_e2e::{Failure, Outcome};
use restic_manager_proto::agent::{Intent, RefusalCode};
use restic_manager_proto::api::pending_hosts::{Accept, Acceptance, List, PendingHost, Show};
use restic_manager_proto::api::registration::{RegistrationChange, Update};
use restic_manager_proto::api::server::Version;
use restic_manager_testkit::{Guest, Remote, shake_hands};
use tokio::net::TcpSocket;

use super::support::Fort;

/// So many networks flood, from so many sources each: more than may wait.
const NETWORKS: u8 = 5;
const SOURCES: u8 = 3;
const EACH: usize = 10;

async fn announcing_fort() -> Outcome<(Fort, Remote)> {
    let fort = Fort::start().await?;
    let on = RegistrationChange { open: true, announce: true };
    fort.admin.call::<Update>(&[], None, Some(&on)).await?;
    let remote = fort.remote_with(&fort.admin.call::<Version>(&[], None, None).await?.fingerprint)?;
    Ok((fort, remote))
}

async fn announce(
    remote: &Remote,
    from: Ipv4Addr,
    identity: &Identity,
) -> Outcome<Result<Guest, RefusalCode>> {
    let socket = TcpSocket::new_v4()?;
    socket.bind((from, 0).into())?;
    let stream = socket.connect(remote.address).await?;
    let announced = Guest::announce_over(stream, remote, identity, "web-1").await;
    Ok(announced.map_err(|refusal| refusal.code))
}

async fn waiting(fort: &Fort) -> Outcome<Vec<PendingHost>> {
    Ok(fort.admin.call::<List>(&[], None, None).await?.items)
}

fn key() -> Identity {
    Identity::generate(&SystemRandom::new())
}

async fn find(fort: &Fort, identity: &Identity) -> Outcome<PendingHost> {
    let fingerprint = identity.public_key().fingerprint().to_string();
    let found = waiting(fort).await?.into_iter().find(|host| host.fingerprint == fingerprint);
    found.ok_or_else(|| Failure::new("it does not wait any more"))
}

#[tokio::test]
async fn a_flood_of_announcements_pushes_out_nobody_who_was_looked_at_and_stops_nobody() -> Outcome {
    let (fort, remote) = announcing_fort().await?;
    let (early, late) = (key(), key());
    let first = announce(&remote, Ipv4Addr::new(127, 0, 1, 1), &early).await?;
    let mut first = first.map_err(|code| Failure::new(format!("{code:?}")))?;
    let host = find(&fort, &early).await?;
    fort.admin.call::<Show>(&[&host.id.to_string()], None, None).await?;

    let mut flood = Vec::new();
    for network in 0..NETWORKS {
        for source in 1..=SOURCES {
            let from = Ipv4Addr::new(127, 0, 10 + network, source);
            for _ in 0..EACH {
                flood.extend(announce(&remote, from, &key()).await?);
            }
            let refused = announce(&remote, from, &key()).await?.err();
            assert_eq!(refused, Some(RefusalCode::Busy), "one source is slowed down");
        }
        let beside = Ipv4Addr::new(127, 0, 10 + network, 200);
        let refused = announce(&remote, beside, &key()).await?.err();
        assert_eq!(refused, Some(RefusalCode::Busy), "so is its network");
    }
    assert!(flood.len() > 100, "{} were let in", flood.len());
    assert!(waiting(&fort).await?.len() <= 100);

    let second = announce(&remote, Ipv4Addr::new(127, 0, 2, 1), &late).await?;
    let mut second = second.map_err(|code| Failure::new(format!("a real one is stopped: {code:?}")))?;
    for (guest, identity, name) in [(&mut first, &early, "web-1"), (&mut second, &late, "web-2")] {
        let host = find(&fort, identity).await?;
        let body = Acceptance {
            fingerprint: host.fingerprint,
            host_name: name.to_owned(),
            tags: Vec::new(),
            presence_mode: None,
            repositories: Vec::new(),
            include_paths: Vec::new(),
        };
        fort.admin.call::<Accept>(&[&host.id.to_string()], None, Some(&body)).await?;
        assert_eq!(guest.verdict().await.map(|welcome| welcome.host_name), Ok(name.to_owned()));
    }
    Ok(())
}

#[tokio::test]
async fn an_announced_host_is_given_nothing_before_its_verdict() -> Outcome {
    let (fort, remote) = announcing_fort().await?;
    let identity = key();
    let guest = announce(&remote, Ipv4Addr::LOCALHOST, &identity).await?;
    let _guest = guest.map_err(|code| Failure::new(format!("{code:?}")))?;
    let host = find(&fort, &identity).await?;
    // Whoever waits is no host, whatever it says of itself: neither its key nor its id opens the other door.
    for token in ["", &host.id.to_string()] {
        let refused = shake_hands(&remote, &identity, Intent::Enrol {}, token).await;
        assert_eq!(refused.err().map(|refusal| refusal.code), Some(RefusalCode::EnrolmentRefused));
        let intent = Intent::Connect { host: restic_manager_proto::HostId::from_bytes(*host.id.as_bytes()) };
        let refused = shake_hands(&remote, &identity, intent, token).await;
        assert_eq!(refused.err().map(|refusal| refusal.code), Some(RefusalCode::Untrusted));
    }
    assert_eq!(waiting(&fort).await?.len(), 1);
    Ok(())
}
