//! A job's row as the API shows it, with the names of what it refers to.

use restic_manager_core::{
    job::advice,
    lease::{Reason, Turn},
};
use restic_manager_proto::{
    HostId, RepositoryId, ScheduleId, SourceGroupId, UserId,
    api::{
        Reference,
        jobs::{Job, Slots},
    },
    vocabulary::JobState,
};
use restic_manager_store::{Read, jobs::Job as Row};
use std::{collections::HashMap, hash::Hash};

use crate::{domain::leases, failure::Failure, parts::Parts};

/// Shows rows; each name is looked up once.
pub(super) struct JobBodies<'a> {
    parts: &'a Parts,
    read: &'a mut dyn Read,
    hosts: HashMap<HostId, String>,
    repositories: HashMap<RepositoryId, String>,
    groups: HashMap<SourceGroupId, String>,
    schedules: HashMap<ScheduleId, String>,
    users: HashMap<UserId, String>,
}

/// Places that are counted at most.
const MOST_PLACES: usize = 1000;

/// What is shown for a thing that was removed.
const REMOVED: &str = "(removed)";

macro_rules! named {
    ($bodies:expr, $names:ident, $noun:ident, $id:expr) => {{
        let id = $id;
        if !$bodies.$names.contains_key(&id) {
            let found = $bodies.read.$noun().find(id).await?;
            $bodies.$names.insert(id, found.map_or_else(|| REMOVED.to_owned(), |row| row.name));
        }
        name(&$bodies.$names, &id)
    }};
}

impl<'a> JobBodies<'a> {
    pub(super) fn new(parts: &'a Parts, read: &'a mut dyn Read) -> Self {
        Self {
            parts,
            read,
            hosts: HashMap::new(),
            repositories: HashMap::new(),
            groups: HashMap::new(),
            schedules: HashMap::new(),
            users: HashMap::new(),
        }
    }

    pub(super) async fn of(&mut self, row: Row) -> Result<Job, Failure> {
        let host = Reference { id: row.host, name: named!(self, hosts, hosts, row.host) };
        let repository = match row.repository {
            Some(id) => Some(Reference { id, name: named!(self, repositories, repositories, id) }),
            None => None,
        };
        let source_group = match row.source_group {
            Some(id) => Some(Reference { id, name: named!(self, groups, sources, id) }),
            None => None,
        };
        let slots = match row.slots {
            Some(slots) => Some(Slots {
                schedule: Reference {
                    id: slots.schedule,
                    name: named!(self, schedules, schedules, slots.schedule),
                },
                first: slots.first,
                last: slots.last,
                count: slots.count,
            }),
            None => None,
        };
        let requested_by = match row.requested_by {
            Some(id) => Some(named!(self, users, users, id)),
            None => None,
        };
        let (waiting_for, queue_position) = self.queue(&row).await?;
        let progress = if row.state == JobState::Running { self.parts.hub.progress(row.id) } else { None };
        Ok(Job {
            waiting_for,
            queue_position,
            id: row.id,
            kind: row.kind,
            state: row.state,
            cause: row.cause,
            advice: if row.state.is_end() { advice(row.cause).to_owned() } else { String::new() },
            detail: row.detail,
            host,
            repository,
            source_group,
            options: row.options,
            slots,
            trigger: row.trigger,
            requested_by,
            created_at: row.created,
            dispatched_at: row.dispatched,
            started_at: row.started,
            ended_at: row.ended,
            deadline_at: row.end_by.unwrap_or(row.created),
            cancel_requested_at: row.cancel_requested,
            progress,
            statistics: row.statistics,
            exit_code: row.exit_code,
            command: row.command.unwrap_or_default(),
            log_lines: row.log.lines,
            log_lines_dropped: row.log.missing,
            log_forgotten: row.log.discarded,
        })
    }

    /// What a queued job waits for, and its place among those that wait for the same.
    async fn queue(&mut self, row: &Row) -> Result<(String, Option<u64>), Failure> {
        let connected = self.parts.hub.last_seen(row.host).is_some();
        if row.state != JobState::Queued || !connected {
            return Ok((self.waiting_for(row), None));
        }
        let repository = match row.repository {
            Some(id) => self.read.repositories().find(id).await?,
            None => None,
        };
        let active = self.read.jobs().active_of(row.host).await?;
        let turn = leases::judge(self.parts, self.read.leases(), repository.as_ref(), row, &active).await?;
        let Turn::Wait(reason) = turn else { return Ok((self.waiting_for(row), None)) };
        let before = match (reason, self.read.leases().find(row.id).await?) {
            (Reason::Host(_), _) | (_, None) => {
                let is_before = |job: &&Row| {
                    job.state == JobState::Queued && job.id < row.id && job.repository == row.repository
                };
                active.iter().filter(is_before).count() as u64
            }
            (_, Some(place)) => self.read.leases().places_before(&place, MOST_PLACES).await?,
        };
        Ok((reason.to_string(), Some(before + 1)))
    }

    fn waiting_for(&self, row: &Row) -> String {
        let connected = self.parts.hub.last_seen(row.host).is_some();
        let reason = match row.state {
            JobState::Queued if !connected => "the host's agent, which is not connected",
            JobState::Queued
                if row.repository.is_some_and(|id| self.parts.setups.is_waiting(id, row.host)) =>
            {
                "another host, which is making the repository"
            }
            JobState::Queued => "the host's agent to take it",
            JobState::Dispatched if !connected => {
                "the host's agent, which received it and is not connected now"
            }
            JobState::Dispatched => "its turn on the host",
            _ => "",
        };
        reason.to_owned()
    }
}

fn name<Id: Eq + Hash>(names: &HashMap<Id, String>, id: &Id) -> String {
    names.get(id).cloned().unwrap_or_default()
}
