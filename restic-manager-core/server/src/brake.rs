//! Slows down guessing, by address and by account. Kept in memory and bounded; it forgets at a restart.

use core::{net::IpAddr, time::Duration};
use restic_manager_proto::{
    Timestamp,
    api::{Code, Problem},
};
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use crate::failure::Failure;

/// Keys that are remembered at most; the one that was quiet longest gives way.
const CAPACITY: usize = 10_000;
/// Failures are forgotten after this long without another.
const MEMORY: Duration = Duration::from_secs(15 * 60);
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(5 * 60);

/// Counts failed guesses.
#[derive(Debug, Default)]
pub(crate) struct Brake {
    failures: Mutex<HashMap<Key, Failures>>,
}

/// Whose guesses are counted together.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Key {
    /// One address, or one network of IPv6, guesses anything.
    Address(IpAddr),
    /// Anybody guesses one account.
    Account(String),
    /// One address guesses one account.
    Pair(IpAddr, String),
}

#[derive(Clone, Copy, Debug)]
struct Failures {
    count: u32,
    last: Timestamp,
}

impl Key {
    /// Failures that cost nothing yet. An account as such has many, so that strangers cannot lock its owner out
    /// cheaply.
    const fn free(&self) -> u32 {
        match self {
            Self::Pair(..) => 5,
            Self::Address(_) => 20,
            Self::Account(_) => 100,
        }
    }

    fn of(address: Option<IpAddr>, account: &str) -> Vec<Self> {
        let account = restic_manager_store::fold(account);
        let mut keys = vec![Self::Account(account.clone())];
        if let Some(address) = address.map(network) {
            keys.extend([Self::Address(address), Self::Pair(address, account)]);
        }
        keys
    }
}

impl Failures {
    fn wait_until(self, free: u32) -> Timestamp {
        let excess = self.count.saturating_sub(free);
        if excess == 0 {
            return Timestamp::MIN;
        }
        let wait = FIRST_WAIT.saturating_mul(2_u32.saturating_pow(excess - 1)).min(LONGEST_WAIT);
        self.last.after(wait)
    }

    fn is_forgotten(self, now: Timestamp) -> bool {
        now.since(self.last) >= MEMORY
    }
}

impl Brake {
    /// Refuses a guess that comes too soon, before anything is compared.
    pub(crate) fn check(
        &self,
        address: Option<IpAddr>,
        account: &str,
        now: Timestamp,
    ) -> Result<(), Failure> {
        let failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        let until = Key::of(address, account)
            .iter()
            .filter_map(|key| failures.get(key).map(|one| (key, one)))
            .filter(|(_, one)| !one.is_forgotten(now))
            .map(|(key, one)| one.wait_until(key.free()))
            .max();
        match until {
            Some(until) if until > now => Err(too_many(until.since(now))),
            _ => Ok(()),
        }
    }

    /// Notes a wrong guess.
    pub(crate) fn fail(&self, address: Option<IpAddr>, account: &str, now: Timestamp) {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        for key in Key::of(address, account) {
            if failures.len() >= CAPACITY && !failures.contains_key(&key) {
                make_room(&mut failures, now);
            }
            let one = failures.entry(key).or_insert(Failures { count: 0, last: now });
            let before = if one.is_forgotten(now) { 0 } else { one.count };
            *one = Failures { count: before.saturating_add(1), last: now };
        }
    }

    /// Forgets what one address guessed wrong about an account that it has now opened.
    pub(crate) fn succeed(&self, address: Option<IpAddr>, account: &str) {
        let Some(address) = address.map(network) else { return };
        let key = Key::Pair(address, restic_manager_store::fold(account));
        self.failures.lock().unwrap_or_else(PoisonError::into_inner).remove(&key);
    }
}

fn make_room(failures: &mut HashMap<Key, Failures>, now: Timestamp) {
    failures.retain(|_, one| !one.is_forgotten(now));
    if failures.len() >= CAPACITY {
        let oldest = failures.iter().min_by_key(|(_, one)| one.last).map(|(key, _)| key.clone());
        if let Some(oldest) = oldest {
            failures.remove(&oldest);
        }
    }
}

/// Whoever has one IPv6 address has 2^64 of them.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6((address.to_bits() & !u128::from(u64::MAX)).into()),
        v4 => v4,
    }
}

fn too_many(wait: Duration) -> Failure {
    let seconds = wait.as_secs() + 1;
    let problem = Problem::new(
        Code::TooManyRequests,
        "too many failed attempts",
        format!("try again in {seconds} seconds"),
    );
    Failure::ComeAgain(Box::new(problem), Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: Option<IpAddr> = Some(IpAddr::V4(core::net::Ipv4Addr::new(192, 0, 2, 1)));
    const THERE: Option<IpAddr> = Some(IpAddr::V4(core::net::Ipv4Addr::new(192, 0, 2, 2)));

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_milliseconds(seconds * 1000)
    }

    #[test]
    fn guessing_gets_slower_and_is_forgiven() {
        let brake = Brake::default();
        for _ in 0..5 {
            assert!(brake.check(HERE, "alice", at(0)).is_ok());
            brake.fail(HERE, "alice", at(0));
        }
        assert!(brake.check(HERE, "Alice", at(0)).is_ok());
        brake.fail(HERE, "alice", at(0));
        assert!(matches!(brake.check(HERE, " ALICE", at(0)), Err(Failure::ComeAgain(..))));
        assert!(brake.check(THERE, "alice", at(0)).is_ok(), "another address is another pair");
        assert!(brake.check(HERE, "alice", at(2)).is_ok(), "the wait passes");
        brake.fail(HERE, "alice", at(2));
        assert!(brake.check(HERE, "alice", at(3)).is_err(), "the wait doubles");
        assert!(brake.check(HERE, "alice", at(2 + 15 * 60)).is_ok(), "old failures are forgotten");
        brake.fail(HERE, "alice", at(4));
        brake.succeed(HERE, "alice");
        assert!(brake.check(HERE, "alice", at(4)).is_ok(), "success forgives");
    }

    #[test]
    fn one_address_guessing_many_accounts_is_slowed_down_too() {
        let brake = Brake::default();
        (0..21).for_each(|n| brake.fail(HERE, &format!("user{n}"), at(0)));
        assert!(brake.check(HERE, "somebody-else", at(0)).is_err());
    }

    #[test]
    fn the_neighbours_of_an_ipv6_address_count_as_one() {
        let brake = Brake::default();
        let address = |n: u128| Some(IpAddr::V6((0x2001_0db8_u128 << 96 | n).into()));
        (0..6).for_each(|n| brake.fail(address(n), "alice", at(0)));
        assert!(brake.check(address(99), "alice", at(0)).is_err());
        assert!(brake.check(address(1 << 64), "alice", at(0)).is_ok());
    }

    #[test]
    fn memory_is_bounded() {
        let brake = Brake::default();
        (0..6000).for_each(|n| brake.fail(HERE, &format!("user{n}"), at(n)));
        assert!(brake.failures.lock().unwrap().len() <= CAPACITY);
    }
}
