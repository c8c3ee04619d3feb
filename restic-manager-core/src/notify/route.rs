//! Who is told of what: silences first, then routes in their order, each channel once.

use restic_manager_proto::{
    ChannelId, HostId, Matcher, RepositoryId, RouteId, RouteRule, Timestamp,
    vocabulary::{AlertKind, NoticeKind, Severity, Timing},
};
use std::collections::BTreeSet;

use super::quiet::{next_digest, quiet_until, zone};

/// What routes are asked about: one change of one alert.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "gathered by whoever asks")]
pub struct Facts {
    /// What happened.
    pub event: NoticeKind,
    /// The alert's kind.
    pub kind: AlertKind,
    /// Its severity.
    pub severity: Severity,
    /// The hosts that it is about, with their tags.
    pub hosts: Vec<(HostId, Vec<String>)>,
    /// The repositories that it is about.
    pub repositories: BTreeSet<RepositoryId>,
    /// Whether all of its hosts are under maintenance, which explains it.
    pub maintenance: bool,
    /// The channel that it is about, which can hardly tell.
    pub about_channel: Option<ChannelId>,
}

/// A route.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "read from rows by whoever asks")]
pub struct Route {
    /// Which; nothing for what holds while there is no route.
    pub id: Option<RouteId>,
    /// What it says.
    pub rule: RouteRule,
}

/// Why nobody is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "told on pages, each in words of its own")]
pub enum Muted {
    /// A silence.
    Silence,
    /// Maintenance explains it.
    Maintenance,
}

/// What a route says to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "told on pages, each in words of its own")]
pub enum Verdict {
    /// Its channels are told, not before the moment.
    Told(Option<Timestamp>),
    /// It is not severe enough.
    Severity,
    /// It is of another kind.
    Kind,
    /// It is about hosts of another part of the fleet.
    Scope,
    /// It is about other repositories.
    Repository,
    /// The route does not tell that something is over.
    NotResolved,
    /// The route does not remind.
    NoReminders,
    /// A route before it told, and goes no further.
    Before,
}

/// Who is told by which route, not before which moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "read by whoever queues")]
pub struct Told {
    /// The route.
    pub route: Option<RouteId>,
    /// The channel.
    pub channel: ChannelId,
    /// When its messages leave.
    pub timing: Timing,
    /// Not before.
    pub not_before: Option<Timestamp>,
}

/// What was decided.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "read by whoever asks")]
pub struct Decision {
    /// Why nobody is told.
    pub muted: Option<Muted>,
    /// What each route said, in order.
    pub verdicts: Vec<Verdict>,
    /// Who is told: each channel once.
    pub told: Vec<Told>,
}

/// Decides who is told.
#[must_use]
pub fn decide(routes: &[Route], silences: &[Matcher], facts: &Facts, now: Timestamp) -> Decision {
    let mut decision = Decision { muted: muted(silences, facts), verdicts: Vec::new(), told: Vec::new() };
    let mut ended = false;
    for route in routes {
        let verdict = if ended { Verdict::Before } else { ask(&route.rule, facts, now) };
        decision.verdicts.push(verdict);
        if let Verdict::Told(not_before) = verdict {
            ended = !route.rule.goes_on;
            if decision.muted.is_none() {
                tell(&mut decision.told, route, facts, not_before);
            }
        }
    }
    decision
}

fn muted(silences: &[Matcher], facts: &Facts) -> Option<Muted> {
    // That something is over is worth telling even so: it may have been told that it began.
    if facts.event == NoticeKind::Resolved {
        return None;
    }
    if silences.iter().any(|silence| matches(silence, facts).is_none()) {
        return Some(Muted::Silence);
    }
    facts.maintenance.then_some(Muted::Maintenance)
}

fn tell(told: &mut Vec<Told>, route: &Route, facts: &Facts, not_before: Option<Timestamp>) {
    for channel in &route.rule.channels {
        let is_new = told.iter().all(|one| one.channel != *channel);
        if is_new && facts.about_channel != Some(*channel) {
            told.push(Told { route: route.id, channel: *channel, timing: route.rule.timing, not_before });
        }
    }
}

fn ask(rule: &RouteRule, facts: &Facts, now: Timestamp) -> Verdict {
    if let Some(verdict) = matches(&rule.matcher, facts) {
        return verdict;
    }
    match facts.event {
        NoticeKind::Resolved if !rule.resolved => return Verdict::NotResolved,
        NoticeKind::Reminder if !rule.reminders => return Verdict::NoReminders,
        _ => {}
    }
    let zone = zone(&rule.zone);
    let quiet = || rule.quiet.as_ref().and_then(|quiet| quiet_until(quiet, &zone, facts.severity, now));
    Verdict::Told(next_digest(rule.timing, &rule.digest_at, &zone, now).or_else(quiet))
}

/// What of a matcher does not match; nothing when all of it does.
#[must_use]
pub fn matches(matcher: &Matcher, facts: &Facts) -> Option<Verdict> {
    let holds = |(host, tags): &(HostId, Vec<String>)| matcher.scope.holds(*host, tags);
    if facts.severity < matcher.severity {
        Some(Verdict::Severity)
    } else if !matcher.kinds.is_empty() && !matcher.kinds.contains(&facts.kind) {
        Some(Verdict::Kind)
    } else if !matcher.scope.is_all() && !facts.hosts.iter().any(holds) {
        Some(Verdict::Scope)
    } else if !matcher.repositories.is_empty() && matcher.repositories.is_disjoint(&facts.repositories) {
        Some(Verdict::Repository)
    } else {
        None
    }
}
