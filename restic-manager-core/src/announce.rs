//! Hosts that announce themselves without a token: how often, how many may wait, and who gives way when they are too
//! many.
//!
//! Anybody can announce, so a flood is to be expected. Two things hold under any: whoever an admin has looked at stays,
//! and a network that floods pushes out its own.

use core::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    time::Duration,
};
use std::collections::BTreeMap;

use crate::limit::Allowance;

/// An announcement waits so long for an admin, and a decision is remembered for so long.
pub const LIFETIME: Duration = Duration::from_secs(60 * 60);
/// So many wait at once.
pub const MOST_WAITING: usize = 100;
/// Announcements from one source: an IPv4 address, or the half of an IPv6 address that one customer gets.
pub const BY_SOURCE: Allowance = Allowance { burst: 10, every: Duration::from_secs(6) };
/// Announcements from one [`network`].
pub const BY_NETWORK: Allowance = Allowance { burst: 30, every: Duration::from_secs(2) };

/// The network of an address, which one party is likely to own: a /24 of IPv4, a /48 of IPv6.
#[must_use]
pub fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => Ipv4Addr::from_bits(address.to_bits() & !0xff).into(),
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & !(u128::MAX >> 48)).into(),
    }
}

/// An announcement that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiting<'a, I> {
    /// Which.
    pub id: I,
    /// The [`network`] it came from.
    pub network: &'a str,
    /// Whether an admin has looked at it.
    pub is_looked_at: bool,
}

/// Whether one more may wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Room<I> {
    /// There is room.
    Free,
    /// There is, once this one is gone.
    InPlaceOf(I),
    /// There is none: an admin has looked at all that wait.
    No,
}

/// Whether one more from `network` may wait beside these, which come oldest first.
///
/// When they are too many, the network with the most, the newcomer counted, gives up its oldest that nobody has looked
/// at: a flood from one network displaces itself, and one from many leaves everybody the same time to be looked at.
#[must_use]
pub fn room<I: Copy>(waiting: &[Waiting<'_, I>], network: &str) -> Room<I> {
    if waiting.len() < MOST_WAITING {
        return Room::Free;
    }
    let mut sizes = BTreeMap::from([(network, 1_usize)]);
    for one in waiting {
        *sizes.entry(one.network).or_default() += 1;
    }
    let size = |one: &Waiting<'_, I>| sizes.get(one.network).copied().unwrap_or_default();
    // The last of the largest, counted from the newest, is the oldest.
    let victim = waiting.iter().rev().filter(|one| !one.is_looked_at).max_by_key(|one| size(one));
    victim.map_or(Room::No, |one| Room::InPlaceOf(one.id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[derive(Clone, Debug)]
    struct Row {
        id: usize,
        network: String,
        is_looked_at: bool,
    }

    fn views(rows: &[Row]) -> Vec<Waiting<'_, usize>> {
        rows.iter()
            .map(|row| Waiting { id: row.id, network: &row.network, is_looked_at: row.is_looked_at })
            .collect()
    }

    fn of(rows: &[Row], network: &str) -> usize {
        rows.iter().filter(|row| row.network == network).count()
    }

    /// Lets one in as the rule says; gives who had to go, or that nobody could.
    fn announce(rows: &mut Vec<Row>, id: usize, network: &str) -> Result<Option<Row>, ()> {
        let gone = match room(&views(rows), network) {
            Room::Free => None,
            Room::InPlaceOf(victim) => {
                Some(rows.remove(rows.iter().position(|row| row.id == victim).expect("one of them")))
            }
            Room::No => return Err(()),
        };
        rows.push(Row { id, network: network.to_owned(), is_looked_at: false });
        Ok(gone)
    }

    #[test]
    fn networks_are_what_one_party_owns() {
        let of = |text: &str| network(text.parse().expect("an address")).to_string();
        assert_eq!(of("192.0.2.77"), "192.0.2.0");
        assert_eq!(of("::ffff:192.0.2.77"), "192.0.2.0");
        assert_eq!(of("2001:db8:1:2:3:4:5:6"), "2001:db8:1::");
    }

    #[test]
    fn a_flood_from_one_network_displaces_itself() {
        let mut rows = Vec::new();
        announce(&mut rows, 0, "home").expect("room");
        for id in 1..10_000 {
            let gone = announce(&mut rows, id, "flood").expect("room");
            assert!(gone.is_none_or(|gone| gone.network == "flood"));
        }
        announce(&mut rows, 10_000, "office").expect("a real one comes in all the same");
        assert_eq!((of(&rows, "home"), of(&rows, "office"), rows.len()), (1, 1, MOST_WAITING));
    }

    #[test]
    fn a_flood_from_everywhere_leaves_everybody_the_same_time() {
        let mut rows = Vec::new();
        for id in 0..MOST_WAITING {
            announce(&mut rows, id, &format!("network {id}")).expect("room");
        }
        for id in MOST_WAITING..3 * MOST_WAITING {
            let gone = announce(&mut rows, id, &format!("network {id}")).expect("room");
            assert_eq!(gone.map(|gone| gone.id), Some(id - MOST_WAITING), "the oldest goes");
        }
    }

    #[test]
    fn when_all_were_looked_at_nobody_gives_way() {
        let mut rows = Vec::new();
        for id in 0..MOST_WAITING {
            announce(&mut rows, id, "home").expect("room");
        }
        rows.iter_mut().for_each(|row| row.is_looked_at = true);
        assert_eq!(announce(&mut rows, MOST_WAITING, "home").map(|gone| gone.is_some()), Err(()));
    }

    proptest! {
        /// Whatever is announced and looked at in whatever order.
        #[test]
        fn who_was_looked_at_stays_and_who_is_fewer_is_spared(
            steps in prop::collection::vec((0usize..12, any::<prop::sample::Index>(), prop::bool::weighted(0.2)), 0..600),
        ) {
            let mut rows: Vec<Row> = Vec::new();
            for (id, (network, which, look)) in steps.into_iter().enumerate() {
                if look && !rows.is_empty() {
                    let which = which.index(rows.len());
                    rows[which].is_looked_at = true;
                }
                let (before, network) = (rows.clone(), format!("network {network}"));
                match announce(&mut rows, id, &network) {
                    Ok(None) => prop_assert!(before.len() < MOST_WAITING),
                    Ok(Some(gone)) => {
                        prop_assert!(before.len() == MOST_WAITING && !gone.is_looked_at);
                        let size = |name: &str| of(&before, name) + usize::from(name == network);
                        for row in before.iter().filter(|row| !row.is_looked_at) {
                            prop_assert!(size(&row.network) <= size(&gone.network));
                        }
                    }
                    Err(()) => prop_assert!(before.iter().all(|row| row.is_looked_at)),
                }
                prop_assert!(rows.len() <= MOST_WAITING);
            }
        }
    }
}
