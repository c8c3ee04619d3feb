//! Slows down guessing, by the rule of `core::limit`. What was used up is kept in the store: it outlives restarts, and
//! servers of one database share it.
//!
//! A guess is counted before it is looked at and given back if it was right, so that a thousand at once are no more than
//! the allowance. See `docs/decisions/0052-guessing.md`.

use core::{net::IpAddr, time::Duration};
use restic_manager_core::{
    announce,
    limit::{Allowance, Decision},
};
use restic_manager_crypto::{Transcript, TranscriptHash};
use restic_manager_proto::{
    Timestamp, UserId,
    api::{Code, Problem},
};
use restic_manager_store::{Audit, Error, Transaction, fold, limits::Lane, limits::LimitQueries, retry};

use super::{Parts, places::network};
use crate::{
    failure::Failure,
    limits::{
        GUESSES_OF_ACCOUNT, GUESSES_OF_DEVICE, GUESSES_OF_EVERYBODY, GUESSES_OF_NETWORK, GUESSES_OF_PAIR,
    },
};

const SHARES: u8 = 8;

/// Where somebody tries to get in.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Door<'a> {
    /// Name and password. `device` is the browser, if it has opened this account before.
    Login { name: &'a str, device: Option<&'a str> },
    /// One more proof of somebody who is signed in.
    Proof(UserId),
    /// A token of 32 random bytes, of this kind.
    Token(&'static str),
    /// A host without a token that announces itself.
    Announcement,
}

/// A guess that was counted.
#[derive(Clone, Debug)]
pub(crate) struct Turn(Vec<(Lane, Allowance)>);

/// Counts a guess, or refuses it before anything is compared.
pub(crate) async fn take(
    parts: &Parts,
    door: Door<'_>,
    address: Option<IpAddr>,
    now: Timestamp,
) -> Result<Turn, Failure> {
    let lanes = lanes(door, address);
    // Whoever is refused costs a look and no change.
    let mut read = parts.store.read().await?;
    decide(read.limits(), &lanes, now).await?.map_err(|until| too_many(until, now))?;
    drop(read);
    let taken = retry(async || {
        let mut change = parts.begin().await?;
        let full_at = match decide(change.limits(), &lanes, now).await? {
            Ok(full_at) => full_at,
            Err(until) => return Ok(Err(until)),
        };
        for ((lane, _), full_at) in lanes.iter().zip(full_at) {
            change.limits().set(lane, full_at).await?;
        }
        change.commit(Audit::Routine("a guess was counted")).await?;
        Ok::<_, Error>(Ok(()))
    });
    taken.await?.map_err(|until| too_many(until, now))?;
    Ok(Turn(lanes))
}

impl Turn {
    /// The guess was right, so it was none.
    pub(crate) async fn give_back(&self, transaction: &mut dyn Transaction) -> Result<(), Error> {
        for (lane, allowance) in &self.0 {
            if let Some(full_at) = transaction.limits().full_at(lane).await? {
                transaction.limits().set(lane, allowance.give_back(full_at)).await?;
            }
        }
        Ok(())
    }
}

/// When each allowance would be whole after one more guess; the moment to wait for when one of them is used up.
async fn decide(
    limits: &mut (impl LimitQueries + ?Sized),
    lanes: &[(Lane, Allowance)],
    now: Timestamp,
) -> Result<Result<Vec<Timestamp>, Timestamp>, Error> {
    let (mut taken, mut wait) = (Vec::with_capacity(lanes.len()), None);
    for (lane, allowance) in lanes {
        match allowance.take(limits.full_at(lane).await?, now) {
            Decision::Allowed(full_at) => taken.push(full_at),
            Decision::Wait(until) => wait = wait.max(Some(until)),
        }
    }
    Ok(wait.map_or(Ok(taken), Err))
}

/// What a guess counts for. A browser that has opened the account before has a lane of its own, which nobody else's
/// guesses narrow.
fn lanes(door: Door<'_>, address: Option<IpAddr>) -> Vec<(Lane, Allowance)> {
    match door {
        Door::Login { name, device: Some(device) } => {
            vec![(lane("device", &[fold(name).as_bytes(), device.as_bytes()]), GUESSES_OF_DEVICE)]
        }
        Door::Login { name, device: None } => {
            let (account, from) = (fold(name), network_text(address));
            let mut lanes = strangers("login", address);
            lanes.push((lane("account", &[account.as_bytes()]), GUESSES_OF_ACCOUNT));
            lanes.push((lane("pair", &[account.as_bytes(), from.as_bytes()]), GUESSES_OF_PAIR));
            lanes
        }
        Door::Proof(user) => vec![(lane("proof", &[user.as_bytes()]), GUESSES_OF_DEVICE)],
        Door::Token(kind) => strangers(kind, address),
        Door::Announcement => {
            let around = address.map_or_else(|| "unknown".to_owned(), |a| announce::network(a).to_string());
            vec![
                (lane("announcing-source", &[network_text(address).as_bytes()]), announce::BY_SOURCE),
                (lane("announcing-network", &[around.as_bytes()]), announce::BY_NETWORK),
            ]
        }
    }
}

fn strangers(kind: &'static str, address: Option<IpAddr>) -> Vec<(Lane, Allowance)> {
    let by_network = hash("network", &[kind.as_bytes(), network_text(address).as_bytes()]);
    let share = by_network.as_bytes()[0] % SHARES;
    vec![
        (Lane::new(*by_network.as_bytes()), GUESSES_OF_NETWORK),
        (lane("everybody", &[kind.as_bytes(), &[share]]), GUESSES_OF_EVERYBODY),
    ]
}

fn network_text(address: Option<IpAddr>) -> String {
    address.map_or_else(|| "unknown".to_owned(), |address| network(address).to_string())
}

fn lane(purpose: &'static str, parts: &[&[u8]]) -> Lane {
    Lane::new(*hash(purpose, parts).as_bytes())
}

fn hash(purpose: &'static str, parts: &[&[u8]]) -> TranscriptHash {
    let start = Transcript::new("restic-manager limit").frame(purpose.as_bytes());
    parts.iter().fold(start, |transcript, part| transcript.frame(part)).finish()
}

/// The same words whatever was guessed, and whoever used the allowance up.
fn too_many(until: Timestamp, now: Timestamp) -> Failure {
    let wait = Duration::from_secs(until.since(now).as_secs() + 1);
    let problem = Problem::new(
        Code::TooManyRequests,
        "too many failed attempts",
        format!("try again in {} seconds", wait.as_secs()),
    );
    Failure::ComeAgain(Box::new(problem), wait)
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::net::Ipv4Addr;
    use proptest::prelude::*;
    use restic_manager_store::{Store as _, memory::MemoryStore};
    use std::collections::HashMap;

    const HERE: Option<IpAddr> = Some(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)));
    const THERE: Option<IpAddr> = Some(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 2)));

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_milliseconds(seconds * 1000)
    }

    /// The allowances as a store keeps them.
    #[derive(Default)]
    struct Kept(HashMap<Lane, Timestamp>);

    impl Kept {
        fn take(&mut self, door: Door<'_>, address: Option<IpAddr>, now: Timestamp) -> Result<(), Timestamp> {
            let lanes = lanes(door, address);
            let decisions =
                lanes.iter().map(|(lane, allowance)| allowance.take(self.0.get(lane).copied(), now));
            let decisions: Vec<_> = decisions.collect();
            let wait = decisions.iter().filter_map(|decision| match decision {
                Decision::Wait(until) => Some(*until),
                Decision::Allowed(_) => None,
            });
            if let Some(until) = wait.max() {
                return Err(until);
            }
            for ((lane, _), decision) in lanes.iter().zip(decisions) {
                if let Decision::Allowed(full_at) = decision {
                    self.0.insert(*lane, full_at);
                }
            }
            Ok(())
        }
    }

    fn login(name: &str) -> Door<'_> {
        Door::Login { name, device: None }
    }

    #[test]
    fn an_account_is_guessed_at_slowly_from_wherever() {
        let mut kept = Kept::default();
        for n in 0..50_u8 {
            let address = Some(IpAddr::V4(Ipv4Addr::new(198, 51, 100, n)));
            kept.take(login(" Alice"), address, at(0)).unwrap();
        }
        assert_eq!(kept.take(login("alice"), HERE, at(0)), Err(at(120)));
        assert!(kept.take(login("bob"), HERE, at(0)).is_ok(), "another account is another matter");
        assert!(kept.take(login("alice"), HERE, at(120)).is_ok());
    }

    #[test]
    fn one_network_alone_never_uses_an_account_up() {
        let (mut kept, mut guesses) = (Kept::default(), 0);
        for second in 0..6 * 60 * 60 {
            guesses += u32::from(kept.take(login("alice"), HERE, at(second)).is_ok());
            if second % 600 == 0 {
                let mut owner = Kept(kept.0.clone());
                assert!(owner.take(login("alice"), THERE, at(second)).is_ok(), "after {second} s");
            }
        }
        assert_eq!(guesses, 5 + 6 * 12 - 1);
    }

    #[test]
    fn one_network_guesses_slowly_at_whatever() {
        let mut kept = Kept::default();
        (0..30).for_each(|n| kept.take(login(&format!("user{n}")), HERE, at(0)).unwrap());
        assert!(kept.take(login("somebody-else"), HERE, at(0)).is_err());
        assert!(kept.take(login("somebody-else"), THERE, at(0)).is_ok());
        assert!(kept.take(Door::Token("setup"), HERE, at(0)).is_ok(), "tokens are counted by themselves");
    }

    #[test]
    fn the_neighbours_of_an_ipv6_address_count_as_one() {
        let address = |n: u128| Some(IpAddr::V6((0x2001_0db8_u128 << 96 | n).into()));
        let mut kept = Kept::default();
        (0..30).for_each(|n| kept.take(login(&format!("user{n}")), address(n), at(0)).unwrap());
        assert!(kept.take(login("x"), address(99), at(0)).is_err());
        assert!(kept.take(login("x"), address(1 << 64), at(0)).is_ok());
        let mapped = "::ffff:192.0.2.1".parse().unwrap();
        assert_eq!(network(mapped), HERE.unwrap(), "an IPv4 address in the clothes of IPv6 is one");
    }

    proptest! {
        /// Strangers from anywhere guess at anybody: an account sees no more than its allowance, all together no more than
        /// theirs, the rows stay few, and the owner's own browser is let in all the while.
        #[test]
        fn strangers_are_held_and_a_known_browser_is_not(
            guesses in prop::collection::vec((any::<u16>(), 0u8..3, 0u64..2_000), 1..1500),
        ) {
            let (mut kept, mut now) = (Kept::default(), at(0));
            let (mut at_alice, mut at_all) = (0, 0);
            for (network, who, gap) in guesses {
                now = now.after(Duration::from_millis(gap));
                let [high, low] = network.to_be_bytes();
                let address = Some(IpAddr::V4(Ipv4Addr::new(10, 0, high, low)));
                let name = ["alice", "bob", "nobody"][usize::from(who)];
                if kept.take(login(name), address, now).is_ok() {
                    at_all += 1;
                    at_alice += u64::from(who == 0);
                }
                let own = Door::Login { name: "alice", device: Some("her laptop") };
                let before = kept.0.clone();
                prop_assert!(kept.take(own, address, now).is_ok());
                kept.0 = before;
            }
            let seconds = now.since(at(0)).as_secs();
            prop_assert!(at_alice <= 50 + seconds / 120);
            prop_assert!(at_all <= u64::from(SHARES) * (60 + seconds / 4));
            prop_assert!(kept.0.len() as u64 <= 3 * at_all + 3 + u64::from(SHARES));
        }
    }

    #[tokio::test]
    async fn a_right_guess_was_none() {
        let store = MemoryStore::new();
        let lanes = lanes(login("alice"), HERE);
        let mut change = store.begin().await.unwrap();
        for (lane, allowance) in &lanes {
            let Decision::Allowed(full_at) = allowance.take(None, at(0)) else { panic!("refused") };
            change.limits().set(lane, full_at).await.unwrap();
        }
        Turn(lanes.clone()).give_back(change.as_mut()).await.unwrap();
        for (lane, _) in &lanes {
            assert_eq!(change.limits().full_at(lane).await.unwrap(), Some(at(0)));
        }
    }
}
