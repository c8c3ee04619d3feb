//! Restores: one run of restic for each folder that holds something chosen, so that no folder above it is touched.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use restic_manager_proto::{
    JobEnd, RawPath, RestoreOptions, RestoreStep, RestoreTarget,
    vocabulary::{self, Cause, JobState},
};
use restic_manager_restic::{
    Capability, Event,
    command::{Backup, CommandError, Invocation, Overwrite, Restore, RestoreSelection, SnapshotName},
    event::NodeKind,
    process::Input,
};

use super::{
    backup::literal,
    end::{self, Ended},
    entries,
    restored::Restoring,
    run::Run,
    stop::StopSignal,
};

/// The tag of a snapshot of what a restore is about to replace. No source group has it, so no policy removes it.
const BEFORE: &str = "before-restore";

/// The first run of it, as the job is shown.
pub(super) fn command(run: &Run<'_>) -> Result<Invocation, CommandError> {
    let options = options(run)?;
    let steps = steps(run, options);
    let first =
        steps.first().ok_or(CommandError::Missing { verb: "restore", what: "anything to restore" })?;
    invocation(run, options, first, None)
}

pub(super) async fn run(run: &mut Run<'_>) -> Result<JobEnd, Ended> {
    let options = options(run)?;
    let steps = steps(run, options);
    run.log.remark(&format!("restic {} restores snapshot {}", run.restic.version, &options.snapshot[..8]));
    let overwrite = overwrite(run, options).await?;
    for step in &steps {
        find(run, options, step).await?;
    }
    let mut restoring = Restoring::new(run.order.job, run.log, &run.shared.progress, steps.len());
    if options.back_up_first {
        restoring.before(back_up(run, &steps).await?);
    }
    let mut end = JobEnd::new(JobState::Succeeded, Cause::None);
    for step in &steps {
        run.log.remark(&format!("{} goes to {}", step.folder.shown(), step.target.shown()));
        let invocation = invocation(run, options, step, overwrite)?;
        let ran = run.watch(&invocation, Input::Null, |event| restoring.see(event)).await?;
        end = restoring.judge(run.end_of(&ran).await);
        // What fails as a whole fails for the next folder too.
        if !matches!(end.state, JobState::Succeeded | JobState::Incomplete) {
            break;
        }
    }
    Ok(restoring.end(end))
}

/// The places on the host that are written to, for its policy.
pub(super) fn written(options: &RestoreOptions) -> Vec<String> {
    let place = |path: RawPath| String::from_utf8_lossy(path.as_bytes()).into_owned();
    let steps = options.steps();
    steps
        .into_iter()
        .flat_map(|step| match (&options.target, step.names.is_empty()) {
            // A file that is put back into /etc touches nothing else there.
            (RestoreTarget::Original {}, false) => {
                step.names.iter().map(|name| place(step.target.join(name))).collect()
            }
            _ => vec![place(step.target)],
        })
        .collect()
}

fn options<'r>(run: &Run<'r>) -> Result<&'r RestoreOptions, CommandError> {
    run.order.restore().ok_or(CommandError::Missing { verb: "restore", what: "anything to restore" })
}

/// The runs, as this restic can make them: before 0.16 it makes the whole path below the target, in one run.
fn steps(run: &Run<'_>, options: &RestoreOptions) -> Vec<RestoreStep> {
    match &options.target {
        RestoreTarget::Folder { path } if !run.restic.version.has(Capability::Subfolder) => {
            let root = RawPath::root();
            let inside = |path: &RawPath| RawPath::new(path.as_bytes().get(1..).unwrap_or_default());
            let names: Vec<_> = options.paths.iter().filter(|path| **path != root).map(inside).collect();
            vec![RestoreStep { folder: root, names, target: RawPath::new(path.as_str()) }]
        }
        _ => options.steps(),
    }
}

fn invocation(
    run: &Run<'_>,
    options: &RestoreOptions,
    step: &RestoreStep,
    overwrite: Option<Overwrite>,
) -> Result<Invocation, CommandError> {
    let mut snapshot = SnapshotName::id(&options.snapshot);
    if step.folder != RawPath::root() {
        snapshot = snapshot.subfolder(text(&step.folder)?);
    }
    let mut restore = Restore::new(snapshot, text(&step.target)?);
    if !step.names.is_empty() {
        let pattern = |name| text(name).map(|name| format!("/{}", literal(name)));
        let patterns = step.names.iter().map(pattern).collect::<Result<_, _>>()?;
        restore.selection =
            RestoreSelection::Include { patterns, insensitive_patterns: Vec::new(), files: Vec::new() };
    }
    (restore.overwrite, restore.delete, restore.verify) = (overwrite, options.delete, options.verify);
    run.working(&restore)
}

/// restic takes words of a command as text here, and tells names that are none with marks in them.
fn text(path: &RawPath) -> Result<&str, CommandError> {
    path.as_text().ok_or(CommandError::Invalid {
        what: "a path that is no text",
        reason: "restore the folder that holds it",
    })
}

/// How restic is told to overwrite: not at all where nothing can be in its way.
async fn overwrite(run: &mut Run<'_>, options: &RestoreOptions) -> Result<Option<Overwrite>, Ended> {
    let wanted = match options.overwrite {
        vocabulary::Overwrite::Always => Overwrite::Always,
        vocabulary::Overwrite::IfChanged => Overwrite::IfChanged,
        vocabulary::Overwrite::IfNewer => Overwrite::IfNewer,
        _ => Overwrite::Never,
    };
    if run.restic.version.has(Capability::RestoreOverwrite) {
        return Ok(Some(wanted));
    }
    let is_empty = match &options.target {
        RestoreTarget::Folder { path } => {
            looked(run.stop, PathBuf::from(path), |path| is_empty(&path)).await?
        }
        RestoreTarget::Original {} => false,
    };
    if is_empty || wanted == Overwrite::Always {
        return Ok(None);
    }
    let (version, needed) = (&run.restic.version, Capability::RestoreOverwrite);
    let detail = format!(
        "restic {version} replaces what is there and can do nothing else; {} needs restic {} or newer: restore into an \
         empty folder, or choose to replace always",
        options.overwrite,
        needed.since()
    );
    Err(end::failed(Cause::ResticTooOld, &detail))
}

/// Whether everything that is to be restored from one folder is in the snapshot, and nothing of another kind stands in its
/// place on the host.
async fn find(run: &mut Run<'_>, options: &RestoreOptions, step: &RestoreStep) -> Result<(), Ended> {
    let mut missing: BTreeSet<RawPath> = step.names.iter().map(|name| step.folder.join(name)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let folders: BTreeSet<_> = missing.iter().map(RawPath::parent).collect();
    let mut folders_there = Vec::new();
    for folder in folders {
        let invocation = entries::command(run, &options.snapshot, &folder)?;
        let ran = run.watch(&invocation, Input::Null, |event| {
            if let Event::Node(node) = event {
                let path = RawPath::new(node.path);
                if missing.remove(&path) && node.kind == NodeKind::Dir {
                    folders_there.push(path.name());
                }
            }
        });
        let ran = ran.await?;
        if !ran.succeeded() {
            return Err(run.end_of(&ran).await.into());
        }
    }
    if let Some(path) = missing.first() {
        let others = missing.len() - 1;
        let more = if others == 0 { String::new() } else { format!(", and {others} more") };
        let detail = format!("{}{more}: not in snapshot {}", path.shown(), &options.snapshot[..8]);
        return Err(end::failed(Cause::NotInSnapshot, &detail));
    }
    let targets = step.names.iter().map(|name| {
        let path = step.target.join(name);
        (path_of(&path), folders_there.contains(name))
    });
    let targets: Vec<_> = targets.collect();
    let blocked = looked(run.stop, targets, |targets| {
        targets.into_iter().find(|(path, is_folder)| is_blocked(path, *is_folder))
    });
    match blocked.await? {
        None => Ok(()),
        Some((path, _)) => {
            let detail = format!(
                "{} is something else than what is restored there: restic would replace it",
                path.display().to_string().escape_debug()
            );
            Err(end::failed(Cause::TargetBlocked, &detail))
        }
    }
}

/// Backs up what is there of all that may be replaced; `None` when there is nothing.
async fn back_up(run: &mut Run<'_>, steps: &[RestoreStep]) -> Result<Option<String>, Ended> {
    let places = steps.iter().flat_map(|step| match step.names.is_empty() {
        true => vec![path_of(&step.target)],
        false => step.names.iter().map(|name| path_of(&step.target.join(name))).collect(),
    });
    let there = looked(run.stop, places.collect::<Vec<_>>(), |places| {
        places.into_iter().filter(|place| fs::symlink_metadata(place).is_ok()).collect::<Vec<_>>()
    });
    let there = there.await?;
    if there.is_empty() {
        run.log.remark("nothing is there that could be replaced");
        return Ok(None);
    }
    run.log.remark(&format!("{} of what is there are backed up first", there.len()));
    let mut backup = Backup::paths(&there);
    backup.host = Some(run.order.host_name.clone());
    backup.tags.push(BEFORE.to_owned());
    let invocation = run.working(&backup)?;
    let mut snapshot = None;
    let log = run.log;
    let ran = run.watch(&invocation, Input::Null, |event| match event {
        Event::BackupSummary(summary) => snapshot = summary.snapshot_id,
        event => log.event(&event),
    });
    let ran = ran.await?;
    if !ran.succeeded() {
        let mut end = run.end_of(&ran).await;
        end.state = if end.state == JobState::Incomplete { JobState::Failed } else { end.state };
        end.detail = end::bounded(&format!(
            "nothing was restored, because what is there could not be backed up first: {}",
            end.detail
        ));
        return Err(end.into());
    }
    if let Some(id) = &snapshot {
        run.log.remark(&format!("snapshot {id} holds what was there"));
    }
    Ok(snapshot)
}

fn path_of(path: &RawPath) -> PathBuf {
    PathBuf::from(String::from_utf8_lossy(path.as_bytes()).into_owned())
}

/// Whether restic would have to remove something to make a file or a folder here.
fn is_blocked(path: &Path, is_folder: bool) -> bool {
    fs::symlink_metadata(path).is_ok_and(|found| found.is_dir() != is_folder)
}

/// Whether a folder is missing or holds nothing.
fn is_empty(path: &Path) -> bool {
    match fs::read_dir(path) {
        Ok(mut entries) => entries.next().is_none(),
        Err(error) => error.kind() == std::io::ErrorKind::NotFound,
    }
}

/// A look at the host's disk, beside the runtime's thread, and given up when the job is to stop.
async fn looked<I: Send + 'static, T: Send + 'static>(
    stop: &mut StopSignal,
    at: I,
    look: impl FnOnce(I) -> T + Send + 'static,
) -> Result<T, Ended> {
    let looked = stop.or(tokio::task::spawn_blocking(move || look(at))).await?;
    looked.map_err(|error| end::failed(Cause::Other, &format!("could not look at the host's disk: {error}")))
}
