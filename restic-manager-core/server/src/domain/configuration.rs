//! What an agent does by itself, made from the rows: which one it shall have, and what of it is sent.

use data_encoding::HEXLOWER;
use restic_manager_core::handshake::{configured_hooks_context, configured_secrets_context};
use restic_manager_crypto::ChannelContext;
use restic_manager_proto::{
    Bandwidth, HostId, Opaque, RepositoryId, Scope, SourceGroupId,
    agent::{
        Configuration, ConfigurationVersion, ConfiguredGroup, ConfiguredRepository, ConfiguredSchedule,
        SourceOrder,
    },
    vocabulary::{CredentialSlot, PresenceMode},
};
use restic_manager_store::{
    Error, ErrorKind, Read, SealedBlob,
    attachments::Attachment,
    hooks::Hooks,
    hosts::Host,
    repositories::{Credential, Repository},
    schedules::Schedule,
    sources::SourceGroup,
};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::{
    hooks,
    secrets::{self, Unfit},
    setup,
};
use crate::{
    failure::Failure,
    parts::{Change, Follow, Parts},
};

/// Largest configuration in bytes, so that it fits into one frame with room to spare.
pub(crate) const LIMIT: usize = 768 * 1024;

/// A configuration as it lies in the rows: secrets sealed for the database.
#[derive(Debug)]
pub(crate) struct Draft {
    content: Content,
    secrets: Vec<(Repository, Option<Credential>)>,
    hooks: Vec<(SourceGroupId, Hooks)>,
}

/// What of it has to be told again when it changes.
#[derive(Debug, Serialize)]
struct Content {
    host_name: String,
    presence: PresenceMode,
    bandwidth: Bandwidth,
    repositories: Vec<Target>,
    groups: Vec<ConfiguredGroup>,
    /// Of the sealed scripts, as of the secrets.
    hooks: Vec<(SourceGroupId, String)>,
    schedules: Vec<ConfiguredSchedule>,
}

#[derive(Debug, Serialize)]
struct Target {
    id: RepositoryId,
    location: String,
    initialise: bool,
    /// Of the sealed secrets, so that nothing can be learnt from it, and another secret is another configuration.
    secrets: Option<String>,
    credential: Option<String>,
}

/// Reads a draft by the accessors that reads and transactions have alike; `None` for a host that is gone.
macro_rules! draft {
    ($rows:expr, $host:expr) => {{
        let rows = $rows;
        match rows.hosts().find($host).await?.filter(|host| host.deleted.is_none()) {
            None => None,
            Some(host) => {
                let mut draft = Draft::of(&host);
                for schedule in rows.schedules().of_host(host.id).await? {
                    for group in &schedule.groups {
                        if schedule.enabled && !draft.has_group(*group) {
                            let group = rows.sources().find(*group).await?.ok_or(GONE)?;
                            let hooks = hooks::effective(rows.hooks(), host.id, group.id).await?;
                            draft.add_group(group, hooks);
                        }
                    }
                    draft.add_schedule(schedule);
                }
                for id in draft.repositories() {
                    let repository = rows.repositories().find(id).await?.ok_or(GONE)?;
                    let attachment = rows.attachments().find(host.id, id).await?.ok_or(GONE)?;
                    let credential = rows.repositories().credential(id, CredentialSlot::Everyday).await?;
                    let makes = setup::initialises(rows.repositories(), &repository, &attachment).await?;
                    draft.add_repository(repository, &attachment, makes, credential);
                }
                Some(draft)
            }
        }
    }};
}

const GONE: Error = Error::new(ErrorKind::NotFound, "a part of the configuration");

/// Something that a host's agent does by itself may have changed: another configuration is wanted if so, and sent.
pub(crate) async fn changed(change: &mut Change<'_>, host: HostId) -> Result<(), Failure> {
    let Some(draft) = draft!(change.as_mut(), host) else { return Ok(()) };
    let size = draft.size();
    if size > LIMIT {
        return Err(Failure::conflict(
            format!(
                "the host's schedules would need {} KiB at its agent; {} KiB fit",
                size / 1024,
                LIMIT / 1024
            ),
            "name folders instead of their files, or let fewer source groups run by a schedule",
        ));
    }
    let now = change.parts().now();
    change.hosts().want_configuration(host, &draft.digest(), now).await?;
    change.then(Follow::Configure(host));
    Ok(())
}

/// The same for what an agent reported, which is never too large.
pub(crate) async fn follows(change: &mut Change<'_>, host: HostId) -> Result<(), Error> {
    let before = change.hosts().find(host).await?.and_then(|host| host.configuration.wanted);
    let Some(draft) = draft!(change.as_mut(), host) else { return Ok(()) };
    let now = change.parts().now();
    let wanted = change.hosts().want_configuration(host, &draft.digest(), now).await?;
    if before != Some(wanted) {
        change.then(Follow::Configure(host));
    }
    Ok(())
}

/// The same for every host that uses a repository.
pub(crate) async fn changed_for_all(
    change: &mut Change<'_>,
    repository: RepositoryId,
) -> Result<(), Failure> {
    for attachment in change.attachments().of_repository(repository, &Scope::All).await? {
        changed(change, attachment.host).await?;
    }
    Ok(())
}

/// What a connected agent shall have, from the rows as they are now; `None` for a host that is gone.
pub(crate) async fn draft(read: &mut dyn Read, host: HostId) -> Result<Option<Draft>, Error> {
    Ok(draft!(&mut *read, host))
}

impl Draft {
    fn of(host: &Host) -> Self {
        let content = Content {
            host_name: host.restic_name.clone(),
            presence: host.presence_mode,
            bandwidth: host.bandwidth,
            repositories: Vec::new(),
            groups: Vec::new(),
            hooks: Vec::new(),
            schedules: Vec::new(),
        };
        Self { content, secrets: Vec::new(), hooks: Vec::new() }
    }

    fn has_group(&self, id: SourceGroupId) -> bool {
        self.content.groups.iter().any(|group| group.source.group == id)
    }

    fn add_group(&mut self, group: SourceGroup, hooks: Option<Hooks>) {
        if let Some(hooks) = hooks {
            self.content.hooks.push((group.id, digest(hooks.sealed.as_bytes())));
            self.hooks.push((group.id, hooks));
        }
        let repository = group.repository;
        self.content.groups.push(ConfiguredGroup::new(source(group), repository));
    }

    fn add_schedule(&mut self, schedule: Schedule) {
        if !schedule.enabled {
            return;
        }
        let mut configured = ConfiguredSchedule::new(
            schedule.id,
            schedule.name,
            schedule.cron,
            schedule.zone,
            schedule.since,
            schedule.groups,
        );
        configured.misfire = schedule.misfire;
        configured.jitter_seconds = schedule.jitter_seconds;
        configured.bandwidth = schedule.bandwidth;
        self.content.schedules.push(configured);
    }

    /// Where the groups go, each once.
    fn repositories(&self) -> Vec<RepositoryId> {
        let mut ids: Vec<_> = self.content.groups.iter().map(|group| group.repository).collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    }

    fn add_repository(
        &mut self,
        repository: Repository,
        attachment: &Attachment,
        initialise: bool,
        credential: Option<Credential>,
    ) {
        self.content.repositories.push(Target {
            id: repository.id,
            location: setup::place(&repository, attachment).to_owned(),
            initialise,
            secrets: repository.password.as_ref().map(|sealed| digest(sealed.as_bytes())),
            credential: credential.as_ref().map(|one| digest(one.sealed.as_bytes())),
        });
        self.secrets.push((repository, credential));
    }

    fn json(&self) -> Vec<u8> {
        serde_json::to_vec(&self.content).unwrap_or_default()
    }

    pub(crate) fn digest(&self) -> String {
        digest(&self.json())
    }

    /// About how long it is on the wire; what is sealed there is written as text.
    pub(crate) fn size(&self) -> usize {
        let sealed = |(repository, credential): &(Repository, Option<Credential>)| {
            let length = |sealed: &SealedBlob| sealed.as_bytes().len();
            repository.password.as_ref().map_or(0, length)
                + credential.as_ref().map_or(0, |one| length(&one.sealed))
        };
        let hooks = self.hooks.iter().map(|(_, hooks)| hooks.sealed.as_bytes().len());
        self.json().len() + (self.secrets.iter().map(sealed).sum::<usize>() + hooks.sum::<usize>()) * 2
    }

    /// What is sent: secrets sealed for the channel to the agent.
    pub(crate) fn seal(
        self,
        parts: &Parts,
        version: ConfigurationVersion,
        seal: impl Fn(&ChannelContext, &[u8]) -> Vec<u8>,
    ) -> Result<Configuration, Unfit> {
        let Content { host_name, presence, bandwidth, repositories, mut groups, schedules, .. } =
            self.content;
        let mut configuration = Configuration::new(version, host_name, presence);
        configuration.bandwidth = bandwidth;
        for (target, (repository, credential)) in repositories.into_iter().zip(self.secrets) {
            let plain = secrets::secrets(parts, &repository, credential.as_ref())?;
            let sealed = Opaque::new(seal(&configured_secrets_context(target.id), plain.expose()));
            let target = ConfiguredRepository::new(target.id, target.location, target.initialise, sealed);
            configuration.repositories.push(target);
        }
        for (id, hooks) in &self.hooks {
            let plain = hooks::open(parts, hooks).map_err(|_| hooks::SEALED_SHUT)?;
            let sealed = Opaque::new(seal(&configured_hooks_context(*id), plain.expose()));
            let group = groups.iter_mut().find(|group| group.source.group == *id);
            group.into_iter().for_each(|group| group.source.hooks = Some(sealed.clone()));
        }
        configuration.groups = groups;
        configuration.schedules = schedules;
        Ok(configuration)
    }
}

/// What a backup of a group reads.
pub(crate) fn source(group: SourceGroup) -> SourceOrder {
    SourceOrder::new(group.id, group.name, group.includes, group.excludes, group.tag)
        .with_options(group.options)
        .with_command(group.command)
}

fn digest(bytes: &[u8]) -> String {
    HEXLOWER.encode(&Sha256::digest(bytes))
}
