//! What an agent says of its host is kept with the host and read with every list: it must stay small.

use restic_manager_proto::{
    HostFacts, HostId,
    policy::{HostPolicy, PolicyReport},
};
use restic_manager_store::{Audit, Error, retry};

use crate::parts::Parts;

/// Longest text of an ordinary fact.
const TEXT_BYTES: usize = 256;
/// Longest path or problem of a policy.
const LONG_TEXT_BYTES: usize = 2 * 1024;

/// Keeps what an agent says of its host.
pub(super) async fn keep(parts: &Parts, host: HostId, facts: HostFacts) -> Result<(), Error> {
    let facts = bounded(facts);
    retry(async || {
        let mut change = parts.begin().await?;
        change.hosts().describe(host, &facts).await?;
        change.tell_host(host);
        change.commit(Audit::Routine("a host described itself")).await
    })
    .await
}

/// The facts, with overlong texts cut; a policy that no agent writes becomes one that says so.
pub(super) fn bounded(mut facts: HostFacts) -> HostFacts {
    for text in [
        &mut facts.hostname,
        &mut facts.operating_system,
        &mut facts.os_version,
        &mut facts.architecture,
        &mut facts.agent_version,
    ] {
        cut(text, TEXT_BYTES);
    }
    for text in [&mut facts.restic_version, &mut facts.time_zone].into_iter().flatten() {
        cut(text, TEXT_BYTES);
    }
    if let Some(policy) = facts.policy.as_deref_mut() {
        cut(&mut policy.file, LONG_TEXT_BYTES);
        cut(&mut policy.digest, TEXT_BYTES);
        cut(&mut policy.problem, LONG_TEXT_BYTES);
        if !fits(&policy.rules) {
            let file = core::mem::take(&mut policy.file);
            *policy = PolicyReport::unusable(file, "the agent reports rules that mean nothing");
        }
    }
    facts
}

fn fits(rules: &HostPolicy) -> bool {
    rules.check().is_ok()
}

fn cut(text: &mut String, bytes: usize) {
    text.truncate(text.floor_char_boundary(bytes));
}

#[cfg(test)]
mod tests {
    use super::*;
    use restic_manager_proto::policy::PolicySource;

    #[test]
    fn overlong_facts_are_cut() {
        let mut facts = HostFacts::default();
        facts.hostname = "ä".repeat(1000);
        facts.time_zone = Some("x".repeat(1000));
        let mut rules = HostPolicy::default();
        rules.backup_roots = Some(vec!["/x".to_owned(); 10_000]);
        facts.policy = Some(Box::new(PolicyReport::of_file("f".repeat(5000), "d".repeat(5000), rules)));
        let facts = bounded(facts);
        assert_eq!((facts.hostname.len(), facts.time_zone.as_deref().map(str::len)), (256, Some(256)));
        let policy = facts.policy.expect("it was reported");
        assert_eq!((policy.source, policy.file.len()), (PolicySource::Unusable, 2048));
        assert!(policy.rules.backup_roots.is_none());
    }

    #[test]
    fn ordinary_facts_stay_as_they_are() {
        let mut facts = HostFacts::default();
        facts.hostname = "web-01".to_owned();
        facts.policy = Some(Box::new(PolicyReport::without_file("/etc/restic-manager/policy.toml")));
        assert_eq!(bounded(facts.clone()), facts);
    }
}
