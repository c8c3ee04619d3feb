//! What this host lets its server do: a file that only root may write, read anew before each act, so that a change
//! of it holds at once. A file that cannot be trusted or understood allows nothing.

use std::{
    fs, io,
    path::{Component, Path, PathBuf},
    sync::Arc,
};
use tokio::{
    sync::watch,
    time::{Duration, Instant, Interval, interval_at},
};

use restic_manager_crypto::ContentDigest;
pub use restic_manager_proto::policy::{Act, HookRule, HostPolicy, PolicyReport, PolicySource, Refused};
use serde::Deserialize;

use crate::files;

/// Longest policy file.
const MAX_BYTES: u64 = 64 * 1024;
/// How soon a change of the file is noticed when nothing asks for it.
const PACE: Duration = Duration::from_secs(60);

/// The policy file of a host.
#[derive(Clone, Debug)]
pub struct PolicyFile {
    path: PathBuf,
    owner: u32,
    required: bool,
}

/// The file as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    backup_roots: Option<Vec<String>>,
    restore_roots: Option<Vec<String>>,
    hooks: Option<Hooks>,
    updates: Option<bool>,
    repositories: Option<Vec<String>>,
    rclone: Option<bool>,
    upload_limit_kib: Option<u32>,
    download_limit_kib: Option<u32>,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "hooks is \"none\", \"any\", or a list of digests such as \"sha256:…\"")]
enum Hooks {
    Word(Word),
    Listed(Vec<String>),
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Word {
    None,
    Any,
}

impl PolicyFile {
    /// The file at a path, which must belong to root.
    #[must_use]
    pub fn new(path: PathBuf) -> Self {
        Self { path, owner: 0, required: false }
    }

    /// The same, but it must belong to another user than root. Whoever can act as that user changes what the server
    /// may do, so this is for hosts on which root owns nothing.
    #[must_use]
    pub fn owned_by(mut self, user: u32) -> Self {
        self.owner = user;
        self
    }

    /// The same, but it must be there: somebody named it.
    #[must_use]
    pub const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    /// Reads the rules. What cannot be read, trusted or understood becomes a report that allows nothing.
    #[must_use]
    pub fn read(&self) -> PolicyReport {
        let name = self.path.display().to_string();
        match self.try_read() {
            Ok(Some((digest, rules))) => PolicyReport::of_file(name, digest, rules),
            Ok(None) if self.required => {
                let problem =
                    "it is named in agent.toml, and is not there; put it there, or take policy_file away";
                PolicyReport::unusable(name, problem)
            }
            Ok(None) => PolicyReport::without_file(name),
            Err(problem) => PolicyReport::unusable(name, problem),
        }
    }

    /// Reads rules from a text.
    ///
    /// # Errors
    /// What is wrong with it, and where.
    pub fn parse(text: &str) -> Result<HostPolicy, String> {
        let written: Written = toml::from_str(text).map_err(|error| error.to_string())?;
        let mut rules = HostPolicy::default();
        rules.backup_roots = written.backup_roots;
        rules.restore_roots = written.restore_roots;
        rules.repositories = written.repositories;
        rules.rclone = written.rclone.unwrap_or(rules.rclone);
        rules.upload_limit_kib = written.upload_limit_kib;
        rules.download_limit_kib = written.download_limit_kib;
        rules.updates = written.updates.unwrap_or(rules.updates);
        rules.hooks = match written.hooks {
            None | Some(Hooks::Word(Word::None)) => HookRule::None {},
            Some(Hooks::Word(Word::Any)) => HookRule::Any {},
            Some(Hooks::Listed(digests)) => HookRule::Listed { digests },
        };
        rules.check().map_err(|invalid| invalid.to_string())?;
        Ok(rules)
    }

    fn try_read(&self) -> Result<Option<(String, HostPolicy)>, String> {
        // Absent is only what a trusted folder does not hold; a link that leads nowhere is there.
        match fs::symlink_metadata(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(format!("it cannot be looked at: {error}")),
            Ok(found) if !found.is_file() => {
                return Err("it is not a plain file; put the file itself in this place".to_owned());
            }
            Ok(_) => {}
        }
        trust(&self.path, self.owner)?;
        let text = files::read(&self.path, MAX_BYTES).map_err(|error| error.to_string())?;
        let text = text.ok_or("it vanished while it was read")?;
        let rules = Self::parse(&text)?;
        Ok(Some((ContentDigest::of(text.as_bytes()).to_string(), rules)))
    }
}

/// Whether only the owner and root can change a file: it, and every folder on the way to it.
#[cfg(unix)]
fn trust(path: &Path, owner: u32) -> Result<(), String> {
    use std::os::unix::fs::MetadataExt as _;
    const WRITABLE_BY_OTHERS: u32 = 0o022;
    const STICKY: u32 = 0o1000;
    let path = path.canonicalize().map_err(|error| format!("it cannot be looked at: {error}"))?;
    for place in path.ancestors() {
        let found = fs::metadata(place)
            .map_err(|error| format!("{} cannot be looked at: {error}", place.display()))?;
        let name = place.display();
        if found.uid() != owner && found.uid() != 0 {
            return Err(format!(
                "{name} belongs to user {}, not to root; run chown root {name}",
                found.uid()
            ));
        }
        // In a sticky folder others may add files, but not replace this one.
        let sticky = found.is_dir() && found.mode() & STICKY != 0;
        if found.mode() & WRITABLE_BY_OTHERS != 0 && !sticky {
            return Err(format!("{name} can be written by others than its owner; run chmod go-w {name}"));
        }
    }
    Ok(())
}

/// On Windows the folder below `%ProgramData%` is for administrators alone; who may write is the installer's to set.
#[cfg(not(unix))]
fn trust(_: &Path, _: u32) -> Result<(), String> {
    Ok(())
}

/// Something for which leave is asked, with what it names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    BackUp(String),
    RestoreTo(String),
    UseRepository(String),
    /// With the digest of its text.
    RunHook(String),
}

/// Leave for a job.
#[derive(Debug)]
pub(crate) struct Permit {
    /// The rules that hold.
    pub(crate) rules: HostPolicy,
    /// What lies below the folders to back up and is never backed up: the agent's own state, with its keys.
    pub(crate) spared: Vec<String>,
}

/// Asks the policy before anything is done. Clones are handles to the same.
#[derive(Clone, Debug)]
pub(crate) struct Guard(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    file: PolicyFile,
    /// The agent's state folder, which no backup may read.
    state: PathBuf,
    newest: watch::Sender<PolicyReport>,
}

impl Guard {
    pub(crate) fn new(file: PolicyFile, state: PathBuf) -> Self {
        let report = file.read();
        if report.source == PolicySource::Unusable {
            tracing::error!(
                "could not use {}: {}; everything is refused until it is mended",
                report.file,
                report.problem
            );
        }
        Self(Arc::new(Inner { file, state, newest: watch::Sender::new(report) }))
    }

    /// The policy in force, read anew.
    pub(crate) async fn look(&self) -> PolicyReport {
        let inner = Arc::clone(&self.0);
        off_the_runtime(move || inner.look()).await.unwrap_or_else(|| self.0.newest.borrow().clone())
    }

    /// Leave for all actions, or the first refusal.
    pub(crate) async fn permit(&self, actions: Vec<Action>) -> Result<Permit, Refused> {
        let inner = Arc::clone(&self.0);
        let judged = off_the_runtime(move || inner.judge(&actions)).await;
        judged.unwrap_or_else(|| Err(Refused::new("the agent stopped while it asked the host's policy")))
    }

    /// Watches for changes.
    pub(crate) fn watch(&self) -> PolicyWatch {
        let tick = interval_at(Instant::now() + PACE, PACE);
        PolicyWatch { guard: self.clone(), newest: self.0.newest.subscribe(), tick }
    }
}

/// Wakes when the policy has changed.
#[derive(Debug)]
pub(crate) struct PolicyWatch {
    guard: Guard,
    newest: watch::Receiver<PolicyReport>,
    tick: Interval,
}

impl PolicyWatch {
    /// Waits for a change, and looks for one now and then. Cancel-safe.
    pub(crate) async fn changed(&mut self) {
        loop {
            tokio::select! {
                _ = self.newest.changed() => return,
                _ = self.tick.tick() => { self.guard.look().await; }
            }
        }
    }
}

/// A look at a disk that does not answer must not hold up the agent.
async fn off_the_runtime<T: Send + 'static>(look: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    tokio::task::spawn_blocking(look).await.ok()
}

impl Inner {
    fn look(&self) -> PolicyReport {
        let report = self.file.read();
        self.newest.send_if_modified(|newest| {
            let changed = *newest != report;
            newest.clone_from(&report);
            changed
        });
        report
    }

    fn judge(&self, actions: &[Action]) -> Result<Permit, Refused> {
        let report = self.look();
        let resolved = with_resolved_roots(&report);
        let mut spared = Vec::new();
        for action in actions {
            let judged = self.judge_one(&report, &resolved, action);
            judged.map_err(|refused| Refused::new(format!("{refused} ({})", report.file)))?;
            if let Action::BackUp(path) = action {
                spared.extend(self.spare_state(Path::new(path))?);
            }
        }
        Ok(Permit { rules: report.rules, spared })
    }

    /// An action must be allowed as it is written, and as what it leads to.
    fn judge_one(
        &self,
        report: &PolicyReport,
        resolved: &PolicyReport,
        action: &Action,
    ) -> Result<(), Refused> {
        match action {
            Action::BackUp(path) => {
                report.decide(&Act::BackUp { path })?;
                if report.rules.backup_roots.is_some() {
                    resolved.decide(&Act::BackUp { path: &lead(path)? })?;
                }
            }
            Action::RestoreTo(folder) => {
                report.decide(&Act::RestoreTo { folder })?;
                let folder = lead(folder)?;
                resolved.decide(&Act::RestoreTo { folder: &folder })?;
                self.spare_own(&folder)?;
            }
            Action::RunHook(digest) => report.decide(&Act::RunHook { digest })?,
            Action::UseRepository(location) => {
                report.decide(&Act::UseRepository { location })?;
                let local = location.strip_prefix("local:").unwrap_or(location);
                if report.rules.repositories.is_some() && Path::new(local).is_absolute() {
                    resolved.decide(&Act::UseRepository { location: &lead(local)? })?;
                }
            }
        }
        Ok(())
    }

    /// What says what the server may do, and who this host is, is not restored by the server: neither below the
    /// agent's own folders nor over them.
    fn spare_own(&self, folder: &str) -> Result<(), Refused> {
        let own = [Some(self.state.as_path()), self.file.path.parent()];
        let own = own.into_iter().flatten().find(|own| is_in_reach(Path::new(folder), &led(own)));
        own.map_or(Ok(()), |own| {
            Err(Refused::new(format!("nothing is restored over the agent's own folder {}", own.display())))
        })
    }

    /// Where the agent's state lies below a path to back up, as a backup of that path meets it.
    fn spare_state(&self, path: &Path) -> Result<Option<String>, Refused> {
        below(path, &led(path), &led(&self.state)).map_err(Refused::new)
    }
}

/// Whether a restore into a folder can write to an own one: into it, or over it from above.
fn is_in_reach(folder: &Path, own: &Path) -> bool {
    folder.starts_with(own) || own.starts_with(folder)
}

/// Where `own` lies below `path`, which leads to `target`, named as `path` names it.
fn below(path: &Path, target: &Path, own: &Path) -> Result<Option<String>, String> {
    if target.starts_with(own) {
        return Err(format!("the agent's own folder {} is not backed up: it holds its keys", own.display()));
    }
    let Ok(rest) = own.strip_prefix(target) else { return Ok(None) };
    let named = path.join(rest).into_os_string().into_string();
    named
        .map(Some)
        .map_err(|_| format!("the agent's own folder {} has a name that is not text", own.display()))
}

/// Where a path leads, or the path itself where that cannot be told.
fn led(path: &Path) -> PathBuf {
    resolve(path).unwrap_or_else(|_| path.to_owned())
}

/// The same report with what its roots lead to beside them: `/home` may be a link.
fn with_resolved_roots(report: &PolicyReport) -> PolicyReport {
    let mut resolved = report.clone();
    let rules = &mut resolved.rules;
    for roots in [&mut rules.backup_roots, &mut rules.restore_roots].into_iter().flatten() {
        let leads: Vec<_> = roots.iter().filter_map(|root| lead(root).ok()).collect();
        roots.extend(leads);
    }
    resolved
}

/// Where a path leads once links are followed; what does not exist yet is taken as it is written.
fn lead(path: &str) -> Result<String, Refused> {
    let refuse = |why: &str| Refused::new(format!("the host's policy cannot be asked about {path}: {why}"));
    let resolved = resolve(Path::new(path)).map_err(|error| refuse(&error.to_string()))?;
    resolved.into_os_string().into_string().map_err(|_| refuse("where it leads to is not text"))
}

fn resolve(path: &Path) -> io::Result<PathBuf> {
    let (mut existing, mut missing) = (path.to_owned(), Vec::new());
    loop {
        match existing.canonicalize() {
            Ok(base) => return Ok(missing.into_iter().rev().fold(base, |base, name| base.join(name))),
            Err(error) if !matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                return Err(error);
            }
            Err(error) => {
                if fs::symlink_metadata(&existing).is_ok() {
                    return Err(io::Error::other("a link on the way leads nowhere"));
                }
                let Some(Component::Normal(name)) = existing.components().next_back() else {
                    return Err(error);
                };
                missing.push(name.to_owned());
                existing.pop();
            }
        }
    }
}

#[cfg(test)]
mod tests;
