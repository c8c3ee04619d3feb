//! Metrics under our own names. Each family is a row of a table; deliveries of notifications have their place beside alerts.

use prometheus_client::metrics::MetricType;
use restic_manager_core::task::TaskState;
use restic_manager_proto::{
    Timestamp,
    api::fleet::Fleet,
    vocabulary::{AlertState, DeliveryState, Health, JobKind, JobState, LeaseState, Severity},
};
use restic_manager_store::metrics::JobDurations;
use std::{borrow::Cow, fmt::Write as _, sync::Arc};

use super::families::{Family, Series, Value, alone, alone_if_known, by, flag, rows, seconds};
use crate::parts::{
    Parts,
    outside::Pings,
    scrapes::{Figures, GroupFigures, HostFigures, RepositoryFigures},
    tasks::TaskReport,
};

/// What is told under our own names.
pub(super) struct View {
    pub(super) figures: Arc<Figures>,
    pub(super) live: Live,
}

/// What this process knows without its database.
pub(super) struct Live {
    started: Timestamp,
    agents: u64,
    connections: (usize, usize),
    tasks: Vec<TaskReport>,
    pings: Option<Pings>,
}

impl Live {
    pub(super) fn of(parts: &Parts) -> Self {
        let most = parts.config.limits.connections;
        Self {
            started: parts.started,
            agents: parts.hub.connected(),
            connections: (most.saturating_sub(parts.places.available_permits()), most),
            tasks: parts.tasks.reports(),
            pings: parts.config.outside_watch.is_some().then(|| parts.outside.pings()),
        }
    }
}

/// How a backup ended, as a number that grows with the damage.
const fn status(state: JobState) -> f64 {
    match state {
        JobState::Succeeded => 0.0,
        JobState::Incomplete => 1.0,
        _ => 2.0,
    }
}

const fn count(number: u64) -> f64 {
    number as f64
}

fn of_host(host: &HostFigures) -> [(&'static str, &str); 1] {
    [("host", &host.name)]
}

fn agent_of(host: &HostFigures) -> [(&'static str, &str); 4] {
    let HostFigures { name, agent_version, restic_version, operating_system, .. } = host;
    [("host", name), ("agent", agent_version), ("restic", restic_version), ("os", operating_system)]
}

fn of_group(group: &GroupFigures) -> [(&'static str, &str); 3] {
    [("host", &group.host), ("group", &group.name), ("repository", &group.repository)]
}

fn of_repository(repository: &RepositoryFigures) -> [(&'static str, &str); 1] {
    [("repository", &repository.name)]
}

type Own = Family<View>;

/// A family with a series for each host.
macro_rules! host_row {
    ($name:literal, $help:literal, $value:expr) => {
        Own::gauge(concat!("restic_manager_host_", $name), $help, |view| {
            rows(&view.figures.hosts, of_host, $value)
        })
    };
}

/// A family with a series for each source group.
macro_rules! group_row {
    ($name:literal, $help:literal, $value:expr) => {
        Own::gauge(concat!("restic_manager_group_", $name), $help, |view| {
            rows(&view.figures.groups, of_group, $value)
        })
    };
}

/// A family with a series for each repository.
macro_rules! repository_row {
    ($name:literal, $help:literal, $value:expr) => {
        Own::gauge(concat!("restic_manager_repository_", $name), $help, |view| {
            rows(&view.figures.repositories, of_repository, $value)
        })
    };
}

pub(super) const FAMILIES: &[Own] = &[
    // The server itself.
    Own::gauge("restic_manager_build_info", "Always 1; which version of the server this is.", |_| {
        by("version", [(env!("CARGO_PKG_VERSION"), 1.0)])
    }),
    Own::gauge("restic_manager_start_time_seconds", "When this server started, as a Unix time.", |view| {
        alone(seconds(view.live.started))
    }),
    Own::gauge(
        "restic_manager_http_connections",
        "Connections that are open: browsers, agents, programs.",
        |view| alone(view.live.connections.0 as f64),
    ),
    Own::gauge("restic_manager_http_connections_limit", "Connections that may be open at once.", |view| {
        alone(view.live.connections.1 as f64)
    }),
    Own::gauge("restic_manager_database_size_bytes", "Bytes that the database takes on its disk.", |view| {
        alone_if_known(view.figures.database_bytes.map(count))
    }),
    Own::gauge(
        "restic_manager_task_up",
        "Whether a background task runs and does what it is for: 1, or 0 when it fails or is stuck.",
        |view| {
            by("task", view.live.tasks.iter().map(|task| (task.name, flag(task.state == TaskState::Well))))
        },
    ),
    Own::counter(
        "restic_manager_task_rounds",
        "Rounds of background tasks since the server started, by how they ended.",
        |view| {
            let one = |task: &TaskReport| {
                [(task.name, "done", task.rounds.done), (task.name, "failed", task.rounds.failed)]
            };
            view.live
                .tasks
                .iter()
                .flat_map(one)
                .map(|(task, result, rounds)| pair(("task", task), ("result", result), rounds))
                .collect()
        },
    ),
    Own::gauge(
        "restic_manager_task_last_success_timestamp_seconds",
        "When a background task last did what it is for, as a Unix time.",
        |view| {
            let done =
                view.live.tasks.iter().filter_map(|task| Some((task.name, seconds(task.rounds.last_done?))));
            by("task", done)
        },
    ),
    Own::counter(
        "restic_manager_outside_watch_pings",
        "Pings to the outside watch since the server started: answered, failed, or withheld because something here is not well.",
        |view| {
            let results = |pings: Pings| {
                [("answered", pings.answered), ("failed", pings.failed), ("withheld", pings.withheld)]
            };
            by(
                "result",
                view.live.pings.into_iter().flat_map(results).map(|(result, pings)| (result, count(pings))),
            )
        },
    ),
    Own::gauge(
        "restic_manager_outside_watch_last_answer_timestamp_seconds",
        "When the outside watch last answered, as a Unix time.",
        |view| alone_if_known(view.live.pings.and_then(|pings| pings.last).map(seconds)),
    ),
    Own::gauge(
        "restic_manager_figures_timestamp_seconds",
        "When the figures below were gathered, as a Unix time; they are told again for some seconds.",
        |view| alone(seconds(view.figures.at)),
    ),
    Own::gauge("restic_manager_figures_duration_seconds", "How long gathering the figures took.", |view| {
        alone(view.figures.took.as_secs_f64())
    }),
    Own::gauge("restic_manager_figures_cut", "Whether there are more rows than are told: 1, or 0.", |view| {
        by("of", view.figures.cut.iter().map(|(of, is_cut)| (*of, flag(*is_cut))))
    }),
    // The fleet.
    Own::gauge("restic_manager_hosts", "Hosts, by whether their data can be restored.", |view| {
        by("health", health(&view.figures.fleet))
    }),
    Own::gauge("restic_manager_agents_connected", "Agents that are connected to this server.", |view| {
        alone(count(view.live.agents))
    }),
    Own::gauge(
        "restic_manager_pending_hosts",
        "Hosts that announced themselves and wait for an admin.",
        |view| alone(count(view.figures.fleet.pending_hosts)),
    ),
    Own::gauge("restic_manager_alerts", "Alerts that are not resolved, by state and severity.", |view| {
        alerts(&view.figures)
    }),
    // Jobs.
    Own::counter(
        "restic_manager_jobs",
        "Jobs that ended since the database was made, by kind and by how they ended.",
        |view| ended(&view.figures),
    ),
    Own {
        name: "restic_manager_job_duration_seconds",
        help: "How long jobs took from their start to their end since the database was made, by kind.",
        kind: MetricType::Histogram,
        series: |view| view.figures.durations.iter().map(duration).collect(),
    },
    Own::counter(
        "restic_manager_job_log_bytes",
        "Bytes of the logs of all jobs that ended since the database was made.",
        |view| alone(count(view.figures.log_bytes)),
    ),
    Own::gauge("restic_manager_queue_jobs", "Jobs that have not ended, by state.", |view| {
        by("state", view.figures.queue.iter().map(|(state, jobs)| (*state, count(*jobs))))
    }),
    Own::gauge("restic_manager_leases", "Rights to use a repository, held or waited for.", |view| {
        let leases = |state: LeaseState| {
            let found = view.figures.leases.iter().find(|tally| tally.state == state);
            (state.as_str(), found.map_or(0.0, |tally| count(tally.leases)))
        };
        by("state", LeaseState::ALL.iter().copied().map(leases))
    }),
    Own::counter(
        "restic_manager_deliveries",
        "Notifications that arrived, or were given up, by the name of their channel.",
        |view| deliveries(&view.figures, |state| state != DeliveryState::Waiting),
    ),
    Own::gauge(
        "restic_manager_deliveries_waiting",
        "Notifications that wait to be sent, or sent again, by the name of their channel.",
        |view| deliveries(&view.figures, |state| state == DeliveryState::Waiting),
    ),
    // Hosts.
    host_row!("online", "Whether the agent of a host is connected: 1, or 0.", |host| Some(flag(
        host.is_online
    ))),
    host_row!(
        "maintenance",
        "Whether a maintenance window explains that a host is silent: 1, or 0.",
        |host| { Some(flag(host.in_maintenance)) }
    ),
    host_row!(
        "configuration_pending",
        "Whether an agent has another configuration than it shall have: 1, or 0.",
        |host| { Some(flag(host.is_drifting)) }
    ),
    host_row!(
        "last_seen_timestamp_seconds",
        "When the agent of a host was last seen, as a Unix time.",
        |host| { host.last_seen.map(seconds) }
    ),
    host_row!(
        "last_good_backup_timestamp_seconds",
        "When a backup of a host last succeeded, as a Unix time.",
        |host| { host.last_good_backup.map(seconds) }
    ),
    host_row!(
        "last_snapshot_timestamp_seconds",
        "When the newest snapshot of a host that a listing showed was made, as a Unix time.",
        |host| { host.last_snapshot.map(seconds) }
    ),
    host_row!(
        "fresh_until_timestamp_seconds",
        "Until when the snapshots of a host count as fresh by its schedules, as a Unix time.",
        |host| { host.fresh_until.map(seconds) }
    ),
    host_row!("next_run_timestamp_seconds", "When a schedule of a host runs next, as a Unix time.", |host| {
        host.next_run.map(seconds)
    }),
    host_row!("snapshots", "Snapshots of a host in all repositories.", |host| Some(count(host.snapshots))),
    Own::gauge(
        "restic_manager_host_agent_info",
        "Always 1; which agent, restic and system a host has.",
        |view| rows(&view.figures.hosts, agent_of, |_| Some(1.0)),
    ),
    // Source groups.
    group_row!(
        "last_backup_status",
        "How the last backup of a source group ended: 0 good, 1 incomplete, 2 failed.",
        |group| { group.last_backup.as_ref().map(|last| status(last.state)) }
    ),
    group_row!(
        "last_backup_timestamp_seconds",
        "When the last backup of a source group ended, as a Unix time.",
        |group| { group.last_backup.as_ref().map(|last| seconds(last.ended)) }
    ),
    group_row!("last_backup_duration_seconds", "How long the last backup of a source group took.", |group| {
        group.took.map(|took| took.as_secs_f64())
    }),
    group_row!(
        "last_backup_processed_bytes",
        "Bytes that the last backup of a source group read.",
        |group| { group.last_backup.as_ref().map(|last| count(last.bytes_processed)) }
    ),
    group_row!(
        "last_backup_added_bytes",
        "Bytes that the last backup of a source group added to its repository, before compression.",
        |group| { group.statistics.as_ref().map(|statistics| count(statistics.bytes_added)) }
    ),
    group_row!(
        "last_snapshot_timestamp_seconds",
        "When the newest snapshot of a source group that a listing showed was made, as a Unix time.",
        |group| { group.newest.as_ref().map(|snapshot| seconds(snapshot.time)) }
    ),
    group_row!("snapshots", "Snapshots of a source group that the last listing showed.", |group| Some(
        count(group.snapshots)
    )),
    // Repositories.
    repository_row!("size_bytes", "Bytes that a repository stores, when last measured.", |repository| {
        repository.measured.map(|measured| count(measured.measured.raw_bytes))
    }),
    repository_row!("uncompressed_size_bytes", "The same bytes before compression.", |repository| {
        repository.measured.and_then(|measured| measured.measured.uncompressed_bytes).map(count)
    }),
    repository_row!(
        "restore_size_bytes",
        "Bytes that restoring every snapshot of a repository would write.",
        |repository| { repository.measured.map(|measured| count(measured.measured.restore_bytes)) }
    ),
    repository_row!("snapshots", "Snapshots in a repository, of all hosts.", |repository| {
        repository.measured.map(|measured| count(measured.measured.snapshots))
    }),
    repository_row!("locks", "Locks in a repository, but for that of the measuring itself.", |repository| {
        repository.measured.map(|measured| count(measured.measured.locks))
    }),
    repository_row!(
        "measured_timestamp_seconds",
        "When a repository was last measured, as a Unix time.",
        |repository| { repository.measured.map(|measured| seconds(measured.at)) }
    ),
    Own::gauge(
        "restic_manager_repository_upkeep_last_success_timestamp_seconds",
        "When forget, prune, check and the other upkeep of a repository last came to what it is for, as a Unix time.",
        |view| duties(&view.figures, |duty| duty.effective.map(seconds)),
    ),
    Own::gauge(
        "restic_manager_repository_upkeep_failures",
        "Tries of upkeep since then that did not.",
        |view| duties(&view.figures, |duty| Some(f64::from(duty.failures))),
    ),
    Own::gauge(
        "restic_manager_repository_upkeep_interval_seconds",
        "How often upkeep of a repository is wanted.",
        |view| duties(&view.figures, |duty| duty.every_hours.map(|hours| f64::from(hours) * 3600.0)),
    ),
];

fn pair<'v>(first: (&'static str, &'v str), second: (&'static str, &'v str), value: u64) -> Series<'v> {
    let labels = [first, second].map(|(name, text)| (name, Cow::Borrowed(text)));
    Series { labels: labels.into(), value: Value::Number(count(value)) }
}

fn health(fleet: &Fleet) -> [(&'static str, f64); 5] {
    [
        (Health::Good, fleet.good),
        (Health::Overdue, fleet.overdue),
        (Health::Failing, fleet.failing),
        (Health::Maintenance, fleet.maintenance),
        (Health::Unknown, fleet.unknown),
    ]
    .map(|(health, hosts)| (health.as_str(), count(hosts)))
}

/// Every state and severity, so that an alert that is over goes to zero and does not vanish.
fn alerts(figures: &Figures) -> Vec<Series<'static>> {
    let lasting = [AlertState::Open, AlertState::Acknowledged];
    let each =
        lasting.into_iter().flat_map(|state| Severity::ALL.iter().map(move |severity| (state, *severity)));
    let tally = |(state, severity): (AlertState, Severity)| {
        let found = figures.alerts.iter().find(|tally| (tally.state, tally.severity) == (state, severity));
        let alerts = found.map_or(0, |tally| tally.alerts);
        pair(("state", state.as_str()), ("severity", severity.as_str()), alerts)
    };
    each.map(tally).collect()
}

fn deliveries(figures: &Figures, is_shown: fn(DeliveryState) -> bool) -> Vec<Series<'_>> {
    let shown = figures.deliveries.iter().filter(|(_, state, _)| is_shown(*state));
    let series =
        |(channel, state, number): &'_ (String, DeliveryState, u64)| (channel.clone(), *state, *number);
    shown.map(series).map(|(channel, state, number)| delivery(channel, state, number)).collect()
}

fn delivery(channel: String, state: DeliveryState, number: u64) -> Series<'static> {
    let mut labels = vec![("channel", Cow::Owned(channel))];
    if state != DeliveryState::Waiting {
        labels.push(("result", Cow::Borrowed(state.as_str())));
    }
    Series { labels, value: Value::Number(count(number)) }
}

/// Every kind and end, so that the first job of a kind is a step from zero.
fn ended(figures: &Figures) -> Vec<Series<'static>> {
    let ends = JobState::ALL.iter().filter(|state| state.is_end());
    let each = JobKind::ALL.iter().flat_map(|kind| ends.clone().map(move |state| (*kind, *state)));
    let tally = |(kind, state): (JobKind, JobState)| {
        let found = figures.ended.iter().find(|ended| (ended.kind, ended.state) == (kind, state));
        let jobs = found.map_or(0, |ended| ended.jobs);
        pair(("kind", kind.as_str()), ("result", state.as_str()), jobs)
    };
    each.map(tally).collect()
}

fn duration(durations: &JobDurations) -> Series<'_> {
    let bounds = JobDurations::BOUNDS.iter().map(|bound| *bound as f64).chain([f64::INFINITY]);
    let value = Value::Histogram {
        buckets: bounds.zip(durations.counts).collect(),
        count: durations.counts.iter().sum(),
        sum: count(durations.milliseconds) / 1000.0,
    };
    Series { labels: vec![("kind", Cow::Borrowed(durations.kind.as_str()))], value }
}

fn duties(
    figures: &Figures,
    value: fn(&restic_manager_store::upkeep::Duty) -> Option<f64>,
) -> Vec<Series<'_>> {
    let mut series = Vec::new();
    for repository in &figures.repositories {
        for duty in &repository.duties {
            let labels = [("repository", repository.name.as_str()), ("kind", duty.kind.as_str())];
            let labels = labels.map(|(name, text)| (name, Cow::Borrowed(text))).into();
            series.extend(value(duty).map(|number| Series { labels, value: Value::Number(number) }));
        }
    }
    series
}

/// The families as rows of a table in Markdown.
pub(crate) fn reference() -> String {
    let mut page = String::from("| Name | Type | Meaning |\n|---|---|---|\n");
    for Family { name, help, kind, .. } in FAMILIES {
        let suffix = if *kind == MetricType::Counter { "_total" } else { "" };
        let _ = writeln!(page, "| `{name}{suffix}` | {} | {help} |", kind.as_str());
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_family_has_a_name_of_its_own_and_says_what_it_is() {
        let names: BTreeSet<&str> = FAMILIES.iter().map(|family| family.name).collect();
        assert_eq!(names.len(), FAMILIES.len());
        for Family { name, help, kind, .. } in FAMILIES {
            assert!(name.starts_with("restic_manager_") && help.ends_with('.'), "{name}");
            assert!(!name.ends_with("_total"), "{name}: a counter gets its ending by itself");
            let has_moment = help.contains("Unix time");
            assert_eq!(
                name.ends_with("_timestamp_seconds") || name.ends_with("start_time_seconds"),
                has_moment,
                "{name}"
            );
            assert!(*kind != MetricType::Info, "{name}: some readers know no such type");
        }
    }
}
