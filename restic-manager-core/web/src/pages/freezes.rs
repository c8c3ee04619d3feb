//! What keeps forget and prune from a repository: freezes, and locks that stay.

use restic_manager_proto::{
    api::{
        freezes::Freeze,
        repositories::Repository,
        upkeep::{LocksSeen, OwnedLock},
    },
    vocabulary::FreezeCause,
};
use serde::Serialize;

use super::{context::Cx, form_state::FormState};
use crate::{
    text,
    view::{Moment, SelectOption},
};

/// The freezes of a repository, and the form for another.
#[derive(Serialize)]
pub(crate) struct Freezes<'a> {
    rows: Vec<FreezeRow>,
    pub(crate) form: FormState<'a>,
    open: bool,
}

#[derive(Serialize)]
struct FreezeRow {
    what: String,
    cause: &'static str,
    reason: String,
    since: Moment,
    by: String,
    lift: String,
    /// What it keeps can be looked at there.
    preview: Option<String>,
}

impl<'a> Freezes<'a> {
    pub(crate) fn new(cx: &Cx, mut form: FormState<'a>, repository: &Repository, freezes: &[Freeze]) -> Self {
        form.text("reason", "");
        let own = format!("/repositories/{}", repository.id);
        Self {
            rows: freezes.iter().map(|freeze| FreezeRow::new(cx, &own, freeze)).collect(),
            open: form.is_posted(),
            form,
        }
    }
}

impl FreezeRow {
    fn new(cx: &Cx, own: &str, freeze: &Freeze) -> Self {
        let what = match (&freeze.source_group, &freeze.host) {
            (Some(group), Some(host)) => format!("Forget of {} on {host}", group.name),
            (Some(group), None) => format!("Forget of {}", group.name),
            (None, _) => "Forget and prune of the whole repository".to_owned(),
        };
        let group = freeze.source_group.as_ref();
        Self {
            what,
            cause: cause_word(freeze.cause),
            reason: freeze.reason.clone(),
            since: cx.moment(freeze.frozen_at),
            by: freeze.frozen_by.clone().unwrap_or_else(|| "restic-manager".to_owned()),
            lift: format!("{own}/freezes/{}/lift", freeze.id),
            preview: group.map(|group| format!("/sources/{}", group.id)),
        }
    }
}

const fn cause_word(cause: FreezeCause) -> &'static str {
    match cause {
        FreezeCause::Manual => "by hand",
        FreezeCause::KeepsLess => "a policy keeps less than before",
        FreezeCause::FutureSnapshot => "a snapshot from the future",
        FreezeCause::OlderSnapshots => "snapshots of somebody else",
        FreezeCause::Alert => "an alert",
        _ => "another cause",
    }
}

/// The locks that the last job that looked has left.
#[derive(Serialize)]
pub(crate) struct Locks {
    at: Moment,
    job: String,
    /// How many there are, where not all are listed.
    in_all: Option<String>,
    rows: Vec<LockRow>,
}

#[derive(Serialize)]
struct LockRow {
    id: String,
    holder: String,
    /// The host of ours whose lock it is.
    host: Option<SelectOption>,
    kind: &'static str,
    refreshed: Moment,
    /// When restic takes it for stale, while that is to come.
    stale: Option<Moment>,
}

impl Locks {
    pub(crate) fn new(cx: &Cx, seen: &LocksSeen) -> Self {
        Self {
            at: cx.moment(seen.at),
            job: format!("/jobs/{}", seen.job),
            in_all: (seen.count > seen.locks.len() as u64).then(|| text::count(seen.count)),
            rows: seen.locks.iter().map(|lock| LockRow::new(cx, lock)).collect(),
        }
    }
}

impl LockRow {
    fn new(cx: &Cx, OwnedLock { lock, host }: &OwnedLock) -> Self {
        let user = if lock.username.is_empty() { "an unknown user" } else { &lock.username };
        Self {
            id: lock.id.clone(),
            holder: format!("process {} of {user} on {}", lock.process, lock.hostname),
            host: host
                .as_ref()
                .map(|host| SelectOption { value: host.id.to_string(), label: host.name.clone() }),
            kind: if lock.exclusive { "exclusive" } else { "shared" },
            refreshed: cx.moment(lock.refreshed_at),
            stale: (lock.stale_at > cx.now).then(|| cx.moment(lock.stale_at)),
        }
    }
}
