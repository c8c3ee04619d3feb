//! How scopes meet, and what somebody may do to the tags by which hosts come into and out of them.

use restic_manager_proto::{HostId, Scope};
use std::collections::{BTreeMap, BTreeSet};

/// The scope of a program: what its maker's scope and its own have in common, never more than either.
///
/// Two scopes of tags meet in the tags that both name: a host that is in both by different tags is left out. A scope of
/// tags and one of hosts meet in those hosts that carry one of the tags now, by `tags`: those of [`tags_needed`]. A host
/// that is not in there is not in the scope.
#[must_use]
pub fn meet(maker: &Scope, own: &Scope, tags: &BTreeMap<HostId, Vec<String>>) -> Scope {
    match (maker, own) {
        (Scope::All, other) | (other, Scope::All) => other.clone(),
        (Scope::Tags { tags: one }, Scope::Tags { tags: other }) => Scope::tags(one & other),
        (Scope::Hosts { hosts: one }, Scope::Hosts { hosts: other }) => Scope::hosts(one & other),
        (tagged @ Scope::Tags { .. }, Scope::Hosts { hosts })
        | (Scope::Hosts { hosts }, tagged @ Scope::Tags { .. }) => {
            let carries = |host: &HostId| tags.get(host).is_some_and(|tags| tagged.holds_tags(tags));
            Scope::hosts(hosts.iter().copied().filter(carries))
        }
    }
}

/// The hosts whose tags decide where two scopes meet.
#[must_use]
pub fn tags_needed(maker: &Scope, own: &Scope) -> BTreeSet<HostId> {
    match (maker, own) {
        (Scope::Tags { .. }, Scope::Hosts { hosts }) | (Scope::Hosts { hosts }, Scope::Tags { .. }) => {
            hosts.clone()
        }
        _ => BTreeSet::new(),
    }
}

/// Why tags may not be given or taken so. Fits after the name of the field.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TagRefusal {
    /// The tag may be somebody else's scope.
    #[error(
        "`{0}` is not among the tags of your role, and may decide who else sees the host; \
         ask somebody whose role is for the whole fleet"
    )]
    Foreign(String),
    /// Nothing would keep the host in the scope.
    #[error("at least one of {0}, or the host would be out of your sight")]
    Lost(String),
    /// A scope of named hosts does not grow.
    #[error("your role is for named hosts; ask somebody whose role is for the whole fleet to add this one")]
    Closed,
}

/// Whether somebody of a scope may bring in a new host with these tags: it must be within, and in nobody else's scope.
///
/// # Errors
/// Why not.
pub fn may_enrol(scope: &Scope, tags: &[String]) -> Result<(), TagRefusal> {
    match scope {
        Scope::Hosts { .. } => Err(TagRefusal::Closed),
        _ => may_retag(scope, &[], tags),
    }
}

/// Whether somebody of a scope may change a host's tags so. Tags outside the scope stay as they are: each may be
/// another's scope, and giving it would show the host to them, taking it would hide it from them. One tag of the
/// scope stays on the host.
///
/// # Errors
/// Why not.
pub fn may_retag(scope: &Scope, before: &[String], after: &[String]) -> Result<(), TagRefusal> {
    let owns = |tag: &String| match scope {
        Scope::All => true,
        Scope::Tags { tags } => tags.contains(tag),
        Scope::Hosts { .. } => false,
    };
    let given = after.iter().filter(|tag| !before.contains(tag));
    let taken = before.iter().filter(|tag| !after.contains(tag));
    if let Some(foreign) = given.chain(taken).find(|tag| !owns(tag)) {
        return Err(TagRefusal::Foreign(foreign.clone()));
    }
    match scope {
        Scope::Tags { tags } if !scope.holds_tags(after) => {
            let list: Vec<_> = tags.iter().map(|tag| format!("`{tag}`")).collect();
            Err(TagRefusal::Lost(list.join(", ")))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    fn list(tags: &[&str]) -> Vec<String> {
        tags.iter().map(|tag| (*tag).to_owned()).collect()
    }

    #[test]
    fn whoever_sees_the_whole_fleet_may_do_anything() {
        assert_eq!(may_enrol(&Scope::All, &[]), Ok(()));
        assert_eq!(may_retag(&Scope::All, &list(&["a"]), &list(&["b"])), Ok(()));
    }

    #[test]
    fn a_new_host_carries_tags_of_the_scope_and_no_others() {
        let scope = Scope::tags(["a", "b"]);
        assert_eq!(may_enrol(&scope, &list(&["a"])), Ok(()));
        assert_eq!(may_enrol(&scope, &list(&["b", "a"])), Ok(()));
        assert_eq!(may_enrol(&scope, &[]), Err(TagRefusal::Lost("`a`, `b`".to_owned())));
        assert_eq!(may_enrol(&scope, &list(&["a", "c"])), Err(TagRefusal::Foreign("c".to_owned())));
    }

    #[test]
    fn named_hosts_stay_the_same_hosts_with_the_same_tags() {
        let scope = Scope::hosts([HostId::from_bytes([1; 16])]);
        assert_eq!(may_enrol(&scope, &list(&["a"])), Err(TagRefusal::Closed));
        assert_eq!(may_retag(&scope, &list(&["a"]), &list(&["a"])), Ok(()));
        assert_eq!(may_retag(&scope, &list(&["a"]), &[]), Err(TagRefusal::Foreign("a".to_owned())));
        assert_eq!(may_retag(&scope, &[], &list(&["a"])), Err(TagRefusal::Foreign("a".to_owned())));
    }

    #[test]
    fn a_host_may_move_between_the_tags_of_a_scope_but_not_out() {
        let scope = Scope::tags(["a", "b"]);
        assert_eq!(may_retag(&scope, &list(&["a", "x"]), &list(&["b", "x"])), Ok(()));
        let lost = may_retag(&scope, &list(&["a", "x"]), &list(&["x"]));
        assert_eq!(lost, Err(TagRefusal::Lost("`a`, `b`".to_owned())));
    }

    fn host(number: u8) -> HostId {
        HostId::from_bytes([number; 16])
    }

    #[test]
    fn scopes_meet_in_what_both_hold() {
        let tags = BTreeMap::from([(host(1), list(&["a", "x"])), (host(2), list(&["b"]))]);
        let (a, ab, hosts) =
            (Scope::tags(["a"]), Scope::tags(["a", "b"]), Scope::hosts([host(1), host(2), host(3)]));
        assert_eq!(meet(&Scope::All, &a, &tags), a);
        assert_eq!(meet(&a, &Scope::All, &tags), a);
        assert_eq!(meet(&Scope::All, &Scope::All, &tags), Scope::All);
        assert_eq!(meet(&ab, &Scope::tags(["b", "c"]), &tags), Scope::tags(["b"]));
        assert_eq!(meet(&hosts, &Scope::hosts([host(3), host(4)]), &tags), Scope::hosts([host(3)]));
        assert_eq!(meet(&a, &hosts, &tags), Scope::hosts([host(1)]));
        assert_eq!(meet(&hosts, &a, &tags), Scope::hosts([host(1)]));
        assert_eq!(tags_needed(&hosts, &a), BTreeSet::from([host(1), host(2), host(3)]));
        assert_eq!(tags_needed(&Scope::All, &hosts), BTreeSet::new());
    }

    #[test]
    fn scopes_that_have_nothing_in_common_meet_in_nothing() {
        let nothing = meet(&Scope::tags(["a"]), &Scope::tags(["b"]), &BTreeMap::new());
        assert!(!nothing.holds(host(1), &list(&["a", "b"])) && !nothing.is_all());
    }

    fn some_scope() -> impl Strategy<Value = Scope> {
        prop_oneof![
            Just(Scope::All),
            some_tags().prop_map(|tags| Scope::Tags { tags }),
            prop::collection::btree_set(0u8..6, 0..4)
                .prop_map(|hosts| Scope::hosts(hosts.into_iter().map(host))),
        ]
    }

    fn some_tags() -> impl Strategy<Value = BTreeSet<String>> {
        prop::collection::btree_set("[a-e]", 0..5)
    }

    proptest! {
        /// Whatever the scopes and the hosts are, where they meet is within both, and no host is in it whose tags were
        /// not looked at.
        #[test]
        fn where_scopes_meet_is_within_both(
            (maker, own) in (some_scope(), some_scope()),
            hosts in prop::collection::btree_map(0u8..6, some_tags(), 0..6),
        ) {
            let hosts: BTreeMap<HostId, Vec<String>> =
                hosts.into_iter().map(|(number, tags)| (host(number), tags.into_iter().collect())).collect();
            let looked_at = tags_needed(&maker, &own);
            let known = hosts.clone().into_iter().filter(|(host, _)| looked_at.contains(host)).collect();
            let met = meet(&maker, &own, &known);
            for (host, tags) in &hosts {
                let both = maker.holds(*host, tags) && own.holds(*host, tags);
                prop_assert!(!met.holds(*host, tags) || both);
                let by_different_tags = matches!((&maker, &own), (Scope::Tags { .. }, Scope::Tags { .. }));
                prop_assert!(met.holds(*host, tags) == both || by_different_tags);
            }
            prop_assert!(!met.is_all() || maker.is_all() && own.is_all());
        }

        /// For every scope of another: what is done within mine neither shows nor hides a host, unless ours overlap.
        #[test]
        fn nobody_elses_sight_changes(
            mine in some_tags(),
            theirs in some_tags(),
            before in some_tags(),
            after in some_tags(),
        ) {
            let theirs: BTreeSet<_> = theirs.difference(&mine).cloned().collect();
            let (mine, theirs) = (Scope::Tags { tags: mine }, Scope::Tags { tags: theirs });
            let (before, after): (Vec<_>, Vec<_>) = (before.into_iter().collect(), after.into_iter().collect());
            if may_retag(&mine, &before, &after).is_ok() {
                prop_assert_eq!(theirs.holds_tags(&before), theirs.holds_tags(&after));
                prop_assert!(mine.holds_tags(&after));
            }
        }
    }
}
