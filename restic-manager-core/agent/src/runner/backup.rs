//! Backups.

use restic_manager_core::hook;
use restic_manager_proto::{
    JobEnd,
    agent::SourceOrder,
    vocabulary::{Cause, JobState},
};
use restic_manager_restic::{
    Capability, Cause as ResticCause,
    command::{Backup, CommandError, Invocation, Parent, Source},
    process::Input,
};

use super::{
    end::{self, Ended},
    forget, listing, retention,
    run::Run,
    stage::Ran,
    watcher::Watcher,
};

pub(super) fn command(run: &Run<'_>) -> Result<Invocation, CommandError> {
    let source = source(run)?;
    let known = run.shared.parent(run.order.repository.id, &source.tag);
    compared_with(run, source, known.or_else(|| source.parent.clone()))
}

pub(super) async fn run(run: &mut Run<'_>) -> Result<JobEnd, Ended> {
    run.log.remark(&format!("restic {} backs up", run.restic.version));
    for spared in &run.spared {
        run.log.remark(&format!("left out: {spared}, where the agent keeps its keys and its state"));
    }
    let mut watcher = Watcher::new(run.order.job, run.log, &run.shared.progress);
    let ran = watch(run, &mut watcher).await?;
    let mut end = run.end_of(&ran).await;
    if let (JobState::Succeeded, Some(line)) = (end.state, watcher.missing.take()) {
        // restic before 0.19 is silent about it in its exit code.
        (end.state, end.cause, end.detail) = (JobState::Incomplete, Cause::SourceUnreadable, line);
    }
    if let Some(summary) = &watcher.summary {
        end::note_summary(&mut end.statistics, summary);
        end.statistics.errors = watcher.errors();
    }
    if source(run)?.command.is_some() {
        end = end::of_command(end);
        if end.statistics.snapshot.is_some() && end.state == JobState::Failed {
            end.detail = format!("the command printed nothing; {}", discard(run, &mut end).await);
        }
    }
    if matches!(end.state, JobState::Succeeded | JobState::Incomplete) {
        listing::after(run, &mut end.statistics).await;
    }
    Ok(end)
}

/// Runs restic, and once more when that may help.
async fn watch(run: &mut Run<'_>, watcher: &mut Watcher<'_>) -> Result<Ran, Ended> {
    let invocation = command(run)?;
    let ran = run.watch(&invocation, Input::Null, |event| watcher.see(event)).await?;
    match remedy(run, &ran, invocation).await {
        Some(remedied) => run.watch(&remedied, Input::Null, |event| watcher.see(event)).await,
        None => Ok(ran),
    }
}

/// What makes a backup worth a second try: a parent that is gone, which only costs time, or a lock that a dead process
/// of this host has left. `None` when nothing does.
async fn remedy(run: &Run<'_>, ran: &Ran, invocation: Invocation) -> Option<Invocation> {
    let outcome = &ran.finished.outcome;
    let cannot_load = |message: &String| message.contains("failed to load snapshot");
    match outcome.cause {
        _ if ran.stopped.is_some() => None,
        ResticCause::Locked => (run.sweep().await.removed > 0).then_some(invocation),
        cause
            if cause == ResticCause::SnapshotMissing || outcome.message.as_ref().is_some_and(cannot_load) =>
        {
            run.log.remark("the snapshot to compare with is gone; restic looks for another one");
            compared_with(run, source(run).ok()?, None).ok()
        }
        _ => None,
    }
}

/// Removes the empty snapshot of a command that printed nothing, so that it takes no good one's place in retention; says
/// what became of it.
async fn discard(run: &mut Run<'_>, end: &mut JobEnd) -> String {
    let Some(snapshot) = end.statistics.snapshot.clone() else { return String::new() };
    let short = &snapshot[..snapshot.floor_char_boundary(8)];
    match forget::is_removed(run, &snapshot).await {
        Ok(true) => {
            end.statistics.snapshot = None;
            format!("the empty snapshot {short} was removed")
        }
        Ok(false) => format!("the empty snapshot {short} stays until the next forget removes it"),
        Err(ended) => {
            let why = ended.into_end();
            run.log.remark(&format!("the empty snapshot could not be removed: {} {}", why.cause, why.detail));
            format!("the empty snapshot {short} stays until the next forget removes it")
        }
    }
}

fn source<'r>(run: &Run<'r>) -> Result<&'r SourceOrder, CommandError> {
    run.order.source().ok_or(CommandError::Missing { verb: "backup", what: "anything to save" })
}

fn compared_with(
    run: &Run<'_>,
    source: &SourceOrder,
    parent: Option<String>,
) -> Result<Invocation, CommandError> {
    let mut backup = match &source.command {
        Some(command) => Backup::new(Source::Program {
            command: hook::command_line(command).into_iter().map(Into::into).collect(),
            filename: command.file_name.clone(),
        }),
        None => Backup::paths(&source.includes),
    };
    backup.one_file_system = source.one_file_system;
    backup.exclude_caches = source.exclude_caches;
    backup.host = Some(run.order.host_name.clone());
    // The last pattern that fits decides, so that nothing takes the agent's own back in.
    backup.exclude.patterns =
        source.excludes.iter().cloned().chain(run.spared.iter().map(|path| literal(path))).collect();
    if !source.tag.is_empty() {
        backup.tags.push(source.tag.clone());
    }
    // By itself restic looks for one with the same paths, so that every change of them reads everything anew.
    match parent {
        // What a command prints is always read whole.
        _ if source.command.is_some() => {}
        Some(id) => backup.parent = Parent::Id(id),
        None if run.restic.version.has(Capability::BackupGroupBy) => {
            backup.group_by = Some(retention::host_and_tags());
        }
        None => {}
    }
    run.working(&backup)
}

/// A pattern that fits a path and nothing else.
pub(super) fn literal(path: &str) -> String {
    path.chars()
        .flat_map(|c| matches!(c, '*' | '?' | '[' | '\\').then_some('\\').into_iter().chain([c]))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_a_pattern_for_itself() {
        assert_eq!(literal(r"/srv/a[1]*\?"), r"/srv/a\[1]\*\\\?");
        assert_eq!(literal("/var/lib/restic-manager"), "/var/lib/restic-manager");
    }
}
