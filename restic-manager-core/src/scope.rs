//! What somebody may do to the tags by which hosts come into and out of scopes.

use restic_manager_proto::Scope;

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
    use restic_manager_proto::HostId;
    use std::collections::BTreeSet;

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

    fn some_tags() -> impl Strategy<Value = BTreeSet<String>> {
        prop::collection::btree_set("[a-e]", 0..5)
    }

    proptest! {
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
