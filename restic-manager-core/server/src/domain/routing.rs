//! Who is told of an alert: the facts about it, and the routes and silences that are asked.

use restic_manager_core::notify::{Decision, Facts, Route, decide};
use restic_manager_proto::{
    ChannelId, HostId, Matcher, RepositoryId, RouteId, RouteRule, Scope, SourceGroupId, Timestamp,
    vocabulary::{AlertKind, NoticeKind, Severity, Timing},
};
use restic_manager_store::{Error, Read, alerts::AlertSubject, channels::Channel, hosts::Host};
use std::collections::BTreeSet;

use super::maintenance::Windows;

/// Channels that there are at most.
pub(crate) const MOST_CHANNELS: usize = 100;
/// Routes that there are at most.
pub(crate) const MOST_ROUTES: usize = 100;
/// Silences that last or are to come, at most.
pub(crate) const MOST_SILENCES: usize = 100;
/// Hosts of a repository that routes are asked about; an alert about one with more is told by its first ones.
const MOST_HOSTS: usize = 100;

/// Kinds that a host's maintenance explains: it is silent, as was announced. That a backup failed is told all the same.
const EXPLAINED: &[&str] = &["host-offline", "backup-overdue", "source-missing"];

/// Everything that is asked, read once for many alerts.
pub(crate) struct Routing {
    /// The routes in their order, and what they are called.
    routes: Vec<(Route, String)>,
    silences: Vec<Matcher>,
    windows: Windows,
    channels: Vec<Channel>,
}

impl Routing {
    pub(crate) async fn load(read: &mut dyn Read, now: Timestamp) -> Result<Self, Error> {
        let channels = read.channels().all(MOST_CHANNELS).await?;
        let stored = read.routes().all(MOST_ROUTES).await?;
        let silences = read.silences().not_over(now, MOST_SILENCES).await?;
        let routes = stored.into_iter().map(|row| (Route { id: Some(row.id), rule: row.rule }, row.name));
        Ok(Self {
            routes: or_everything(routes.collect(), &channels),
            silences: silences.into_iter().filter(|one| one.from <= now).map(|one| one.matcher).collect(),
            windows: Windows::at(read, now).await?,
            channels,
        })
    }

    /// Who is told.
    pub(crate) fn decide(&self, facts: &Facts, now: Timestamp) -> Decision {
        let routes: Vec<Route> = self.routes.iter().map(|(route, _)| route.clone()).collect();
        decide(&routes, &self.silences, facts, now)
    }

    /// The routes that are asked, with their names.
    pub(crate) fn routes(&self) -> &[(Route, String)] {
        &self.routes
    }

    /// A channel, unless it was removed.
    pub(crate) fn channel(&self, id: ChannelId) -> Option<&Channel> {
        self.channels.iter().find(|channel| channel.id == id)
    }

    /// Routes that tell once a day or a week, whatever happened.
    pub(crate) fn digests(&self) -> impl Iterator<Item = (RouteId, &RouteRule)> {
        let digests = self.routes.iter().filter(|(route, _)| route.rule.timing != Timing::Now);
        digests.filter_map(|(route, _)| Some((route.id?, &route.rule)))
    }

    /// What routes are asked about.
    pub(crate) async fn facts(
        &self,
        read: &mut dyn Read,
        about: &About<'_>,
        now: Timestamp,
    ) -> Result<Facts, Error> {
        let concerned = Concerned::of(read, about.subject).await?;
        let explained = EXPLAINED.contains(&about.kind.as_str()) && !concerned.hosts.is_empty();
        Ok(Facts {
            event: about.event,
            kind: about.kind,
            severity: about.severity,
            maintenance: explained && concerned.hosts.iter().all(|host| self.windows.hold(host, now)),
            hosts: concerned.hosts.into_iter().map(|host| (host.id, host.tags)).collect(),
            repositories: concerned.repositories,
            about_channel: concerned.channel,
        })
    }
}

/// While there is no route, every channel is told of warnings and worse: a new server is not silent.
fn or_everything(routes: Vec<(Route, String)>, channels: &[Channel]) -> Vec<(Route, String)> {
    if !routes.is_empty() || channels.is_empty() {
        return routes;
    }
    let rule = RouteRule {
        matcher: Matcher { severity: Severity::Warning, ..Matcher::default() },
        channels: channels.iter().map(|channel| channel.id).collect(),
        timing: Timing::Now,
        resolved: true,
        reminders: true,
        goes_on: false,
        quiet: None,
        zone: "UTC".to_owned(),
        digest_at: "07:00".to_owned(),
    };
    vec![(Route { id: None, rule }, "every channel, while there is no route".to_owned())]
}

/// An alert, or one that may be.
pub(crate) struct About<'a> {
    pub(crate) event: NoticeKind,
    pub(crate) kind: AlertKind,
    pub(crate) severity: Severity,
    pub(crate) subject: &'a AlertSubject,
}

/// What an alert concerns.
#[derive(Default)]
struct Concerned {
    hosts: Vec<Host>,
    repositories: BTreeSet<RepositoryId>,
    channel: Option<ChannelId>,
}

impl Concerned {
    async fn of(read: &mut dyn Read, subject: &AlertSubject) -> Result<Self, Error> {
        let mut concerned = Self::default();
        match subject.kind.as_str() {
            "host" => {
                if let Ok(host) = subject.id.parse::<HostId>() {
                    concerned.add_host(read, host).await?;
                    let used = read.attachments().of_host(host).await?;
                    concerned.repositories.extend(used.iter().map(|row| row.repository));
                }
            }
            "repository" => {
                if let Ok(repository) = subject.id.parse::<RepositoryId>() {
                    concerned.repositories.insert(repository);
                    let attached = read.attachments().of_repository(repository, &Scope::All).await?;
                    for row in attached.iter().take(MOST_HOSTS) {
                        concerned.add_host(read, row.host).await?;
                    }
                }
            }
            "source-group" => {
                let group = match subject.id.parse::<SourceGroupId>() {
                    Ok(id) => read.sources().find(id).await?,
                    Err(_) => None,
                };
                if let Some(group) = group {
                    concerned.repositories.insert(group.repository);
                    concerned.add_host(read, group.host).await?;
                }
            }
            // A host's use of a repository: both ids, as alerts name it.
            "attachment" => {
                if let Some((host, repository)) = subject.id.split_once('/') {
                    concerned.repositories.extend(repository.parse::<RepositoryId>().ok());
                    if let Ok(host) = host.parse::<HostId>() {
                        concerned.add_host(read, host).await?;
                    }
                }
            }
            "channel" => concerned.channel = subject.id.parse().ok(),
            _ => {}
        }
        Ok(concerned)
    }

    async fn add_host(&mut self, read: &mut dyn Read, id: HostId) -> Result<(), Error> {
        self.hosts.extend(read.hosts().find(id).await?);
        Ok(())
    }
}
