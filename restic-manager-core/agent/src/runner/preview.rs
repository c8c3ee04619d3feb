//! What a retention policy would keep and remove of a source group's snapshots, and why.

use restic_manager_proto::{JobEnd, PreviewedSnapshot, agent::ReportItem};
use restic_manager_restic::{
    command::{CommandError, Invocation},
    document::ForgetGroup,
    event::Snapshot,
};

use super::{
    end::Ended,
    listing,
    retention::{self, REPORTED},
    run::Run,
};

pub(super) fn command(run: &Run<'_>) -> Result<Invocation, CommandError> {
    run.looking(&retention::by_rule(retention::first(run.order)?, true))
}

pub(super) async fn run(run: &mut Run<'_>) -> Result<JobEnd, Ended> {
    let mut tally = retention::Tally::default();
    for policy in retention::policies(run.order)? {
        let plan = retention::plan(run, policy).await?;
        for group in &plan.groups {
            report(run, group).await;
        }
        tally.count(&plan);
    }
    Ok(tally.end(run.log, "would be removed"))
}

async fn report(run: &Run<'_>, group: &ForgetGroup) {
    let item = |part: &[PreviewedSnapshot]| ReportItem::RetentionPreviewed {
        job: run.order.job,
        snapshots: part.to_vec(),
    };
    run.report(of(group).chunks(REPORTED).map(item).collect()).await;
}

/// Each snapshot of a group with the rules that keep it. One without an id cannot be told.
fn of(group: &ForgetGroup) -> Vec<PreviewedSnapshot> {
    let kept = group.keep.iter().map(|snapshot| (snapshot, reasons(group, snapshot)));
    let removed = group.remove.iter().map(|snapshot| (snapshot, Vec::new()));
    kept.chain(removed)
        .filter_map(|(snapshot, kept_by)| {
            let time = listing::moment(&snapshot.time);
            Some(PreviewedSnapshot { id: snapshot.id.clone()?, time, kept_by })
        })
        .collect()
}

/// Why a snapshot is kept. restic before 0.17 names it by its time alone.
fn reasons(group: &ForgetGroup, snapshot: &Snapshot) -> Vec<String> {
    let is_its = |named: &Snapshot| match &named.id {
        Some(id) => Some(id) == snapshot.id.as_ref(),
        None => (named.time, &named.tree) == (snapshot.time, &snapshot.tree),
    };
    let mut found: Vec<String> = group
        .reasons
        .iter()
        .filter(|reason| is_its(&reason.snapshot))
        .flat_map(|reason| reason.matches.iter().cloned())
        .collect();
    if found.is_empty() {
        // What is kept never looks like what would go.
        found.push("kept".to_owned());
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(named: &str) -> ForgetGroup {
        let snapshot = |id: &str, day: u32| {
            format!(r#"{{"id":"{id}","time":"2026-11-{day:02}T03:00:00Z","tree":"t{day}","paths":["/srv"]}}"#)
        };
        let (keep, remove) = (snapshot("aa", 22), snapshot("bb", 21));
        let json = format!(
            r#"{{"tags":["web"],"host":"h","keep":[{keep}],"remove":[{remove}],
                "reasons":[{{"snapshot":{named},"matches":["last snapshot","daily snapshot"]}}]}}"#
        );
        serde_json::from_str(&json).expect("a group")
    }

    #[test]
    fn reasons_find_their_snapshot_by_id_and_without_one_by_time() {
        let by_id = r#"{"id":"aa","time":"2026-11-22T03:00:00Z","tree":"t22"}"#;
        let by_time = r#"{"time":"2026-11-22T03:00:00Z","tree":"t22"}"#;
        for named in [by_id, by_time] {
            let told: Vec<_> = of(&group(named)).into_iter().map(|one| (one.id, one.kept_by)).collect();
            let kept_by = vec!["last snapshot".to_owned(), "daily snapshot".to_owned()];
            assert_eq!(told, [("aa".to_owned(), kept_by), ("bb".to_owned(), Vec::new())], "{named}");
        }
        let another = of(&group(r#"{"id":"cc","time":"2026-11-22T03:00:00Z","tree":"t22"}"#));
        assert_eq!(another[0].kept_by, ["kept"], "what is kept never looks like what would go");
    }
}
