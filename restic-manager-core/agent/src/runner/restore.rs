//! Restores: one run of restic for each folder that holds something chosen, so that no folder above it is touched.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use restic_manager_proto::{
    JobEnd, RawPath, RestoreOptions, RestoreTarget,
    vocabulary::{Cause, JobState},
};
use restic_manager_restic::{
    Capability, Event,
    command::{
        Backup, CommandError, Invocation, Overwrite, Restore, RestoreSelection, SnapshotName,
        include_argument,
    },
    event::NodeKind,
    process::Input,
};

use super::{
    end::{self, Ended},
    entries, planning,
    restored::Restoring,
    run::Run,
    stop::StopSignal,
};
use crate::{
    index::SnapshotKey,
    restore::{Class, PlanError, Run as Step, native},
};

/// The tag of a snapshot of what a restore is about to replace. No source group has it, so no policy removes it.
const BEFORE: &str = "before-restore";

/// The first run of it, as the job is shown.
pub(super) fn command(run: &Run<'_>) -> Result<Invocation, CommandError> {
    let options = options(run)?;
    let steps = steps(run, options)?;
    let first =
        steps.first().ok_or(CommandError::Missing { verb: "restore", what: "anything to restore" })?;
    let chooses = run.restic.version.has(Capability::RestoreOverwrite);
    invocation(run, options, first, chooses.then(|| planning::overwrite(options)))
}

pub(super) async fn run(run: &mut Run<'_>) -> Result<JobEnd, Ended> {
    let options = options(run)?;
    let steps = steps(run, options)?;
    run.log.remark(&format!("restic {} restores snapshot {}", run.restic.version, &options.snapshot[..8]));
    let overwrite = overwrite(run, options).await?;
    match &options.plan {
        Some(id) => hold_to(run, options, id).await?,
        None => {
            for step in &steps {
                find(run, options, step).await?;
            }
        }
    }
    let mut restoring = Restoring::new(run.order.job, run.log, &run.shared.progress, steps.len());
    if options.back_up_first {
        restoring.before(back_up(run, &steps).await?);
    }
    let mut end = JobEnd::new(JobState::Succeeded, Cause::None);
    for step in &steps {
        run.log.remark(&format!("{} goes to {}", shown(&step.parent), shown(&step.into)));
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

/// The places on the host that are written to, for its policy. A restore whose places cannot be told asks for all of them.
pub(super) fn written(options: &RestoreOptions) -> Vec<String> {
    let place = |path: &[u8]| match path {
        [] => "/".to_owned(),
        path => String::from_utf8_lossy(path).into_owned(),
    };
    let Ok(steps) = planning::steps(options) else { return vec!["/".to_owned()] };
    let places = |step: Step| match (&options.target, step.names.is_empty()) {
        // A file that is put back into /etc touches nothing else there.
        (RestoreTarget::Original {}, false) => {
            step.names.iter().map(|name| place(&joined(&step.into, name))).collect()
        }
        _ => vec![place(&step.into)],
    };
    steps.into_iter().flat_map(places).collect()
}

fn options<'r>(run: &Run<'r>) -> Result<&'r RestoreOptions, CommandError> {
    run.order.restore().ok_or(CommandError::Missing { verb: "restore", what: "anything to restore" })
}

/// The runs, as this restic can make them: before 0.16 it makes the whole path below the target, in one run.
fn steps(run: &Run<'_>, options: &RestoreOptions) -> Result<Vec<Step>, CommandError> {
    let invalid =
        |_| CommandError::Invalid { what: "what is to be restored", reason: "a path in it is none" };
    let mut steps = planning::steps(options).map_err(invalid)?;
    if let (RestoreTarget::Folder { path }, false) =
        (&options.target, run.restic.version.has(Capability::Subfolder))
    {
        let whole = |step: &Step| {
            let inside = |name: &Vec<u8>| joined(&step.parent, name)[1..].to_vec();
            step.names.iter().map(inside).collect::<Vec<_>>()
        };
        let names = steps.iter().flat_map(whole).collect();
        steps = vec![Step { parent: Vec::new(), names, into: path.as_bytes().to_vec() }];
    }
    Ok(steps)
}

fn invocation(
    run: &Run<'_>,
    options: &RestoreOptions,
    step: &Step,
    overwrite: Option<Overwrite>,
) -> Result<Invocation, CommandError> {
    let odd = || CommandError::Invalid { what: "a path of the restore", reason: "this system has none such" };
    let path = |bytes: &[u8]| native(bytes).map_err(|_| odd());
    let mut snapshot = SnapshotName::id(&options.snapshot);
    if !step.parent.is_empty() {
        snapshot = snapshot.subfolder(path(&step.parent)?);
    }
    let mut restore =
        Restore::new(snapshot, if step.into.is_empty() { "/".into() } else { path(&step.into)? });
    if !step.names.is_empty() {
        let pattern = |name: &Vec<u8>| include_argument(&joined(b"", name)).ok_or_else(odd);
        let patterns = step.names.iter().map(pattern).collect::<Result<_, _>>()?;
        restore.selection =
            RestoreSelection::Include { patterns, insensitive_patterns: Vec::new(), files: Vec::new() };
    }
    (restore.overwrite, restore.delete, restore.verify) = (overwrite, options.delete, options.verify);
    run.working(&restore)
}

fn joined(folder: &[u8], name: &[u8]) -> Vec<u8> {
    [folder, b"/", name].concat()
}

fn shown(path: &[u8]) -> String {
    if path.is_empty() { "/".to_owned() } else { RawPath::new(path).shown() }
}

/// The plan is made again: what is on the host must be what it was made for, and nothing may be in the way.
async fn hold_to(run: &mut Run<'_>, options: &RestoreOptions, id: &str) -> Result<(), Ended> {
    let snapshot = options.snapshot.parse();
    let snapshot = snapshot.map_err(|error| end::unreadable("the snapshot's id", &error))?;
    let key = SnapshotKey { repository: run.order.repository.id, snapshot };
    let look = run.look().clone();
    let index = run.shared.indexing.get(key, &run.restic, &look, async |_| {});
    let index =
        run.stop.or(index).await?.map_err(|why| end::failed(Cause::Other, &format!("could not {why}")))?;
    let plan = run.stop.or(planning::make(index, options)).await?.map_err(|error| match error {
        PlanError::NotThere { path } => end::failed(
            Cause::NotInSnapshot,
            &format!("{}: not in snapshot {}", shown(&path), &options.snapshot[..8]),
        ),
        error => end::failed(Cause::Other, &format!("could not {error}")),
    })?;
    if plan.id.to_string() != id {
        let detail = "what is on the host is not any more what the plan was made for; nothing was written";
        return Err(end::failed(Cause::PlanChanged, detail));
    }
    let blocked = plan.count(Class::Blocked).entries;
    if blocked > 0 {
        let first = plan.rows.iter().find(|row| row.class == Class::Blocked);
        let first = first.map(|row| shown(&row.path)).unwrap_or_default();
        let detail = format!("{first}: {blocked} paths are something else than what is restored there");
        return Err(end::failed(Cause::TargetBlocked, &detail));
    }
    Ok(())
}

/// How restic is told to overwrite: not at all where nothing can be in its way.
async fn overwrite(run: &mut Run<'_>, options: &RestoreOptions) -> Result<Option<Overwrite>, Ended> {
    let wanted = planning::overwrite(options);
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
/// place on the host. A name that is no text is told with marks in it, and is looked for by restic alone.
async fn find(run: &mut Run<'_>, options: &RestoreOptions, step: &Step) -> Result<(), Ended> {
    let inside = |name: &Vec<u8>| RawPath::new(joined(&step.parent, name));
    let mut missing: BTreeSet<RawPath> =
        step.names.iter().map(inside).filter(|path| path.as_text().is_some()).collect();
    let folders: BTreeSet<_> = missing.iter().map(RawPath::parent).collect();
    let mut folders_there = BTreeSet::new();
    for folder in folders {
        let invocation = entries::command(run, &options.snapshot, &folder)?;
        let ran = run.watch(&invocation, Input::Null, |event| {
            if let Event::Node(node) = event {
                let path = RawPath::new(node.path);
                if missing.remove(&path) && node.kind == NodeKind::Dir {
                    folders_there.insert(path);
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
    let place = |name: &Vec<u8>| {
        let is_text = inside(name).as_text().is_some();
        (path_of(&joined(&step.into, name)), folders_there.contains(&inside(name)), is_text)
    };
    let known = step.names.iter().map(place).filter(|(_, _, is_text)| *is_text);
    let targets: Vec<_> = known.map(|(path, is_folder, _)| (path, is_folder)).collect();
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
async fn back_up(run: &mut Run<'_>, steps: &[Step]) -> Result<Option<String>, Ended> {
    let places = steps.iter().flat_map(|step| match step.names.is_empty() {
        true => vec![path_of(&step.into)],
        false => step.names.iter().map(|name| path_of(&joined(&step.into, name))).collect(),
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

fn path_of(path: &[u8]) -> PathBuf {
    let path = if path.is_empty() { b"/" } else { path };
    native(path).unwrap_or_else(|_| PathBuf::from(String::from_utf8_lossy(path).into_owned()))
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
