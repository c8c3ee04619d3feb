use async_trait::async_trait;
use restic_manager_proto::{HostId, RepositoryId, Scope, Timestamp, vocabulary::RepositoryState};
use std::sync::Arc;

use super::tables::{Tables, expect_version, remove, row};
use crate::{
    Error, ErrorKind,
    attachments::{Attachment, AttachmentQueries, Attachments},
    value::without_nul,
};

#[async_trait]
impl AttachmentQueries for Tables {
    async fn find(&mut self, host: HostId, repository: RepositoryId) -> Result<Option<Attachment>, Error> {
        Ok(self.attachments.get(&(host, repository)).cloned())
    }

    async fn of_host(&mut self, host: HostId) -> Result<Vec<Attachment>, Error> {
        Ok(self.attachments.values().filter(|attachment| attachment.host == host).cloned().collect())
    }

    async fn of_repository(
        &mut self,
        repository: RepositoryId,
        seen_by: &Scope,
    ) -> Result<Vec<Attachment>, Error> {
        let of_it = self.attachments.values().filter(|attachment| attachment.repository == repository);
        Ok(of_it.filter(|attachment| self.sees(seen_by, attachment.host)).cloned().collect())
    }

    async fn any_in_state(
        &mut self,
        repository: RepositoryId,
        state: RepositoryState,
    ) -> Result<bool, Error> {
        let is_live = |host: &HostId| self.hosts.get(host).is_some_and(|host| host.deleted.is_none());
        Ok(self.attachments.values().any(|attachment| {
            attachment.repository == repository && attachment.state == state && is_live(&attachment.host)
        }))
    }

    async fn any_within(&mut self, repository: RepositoryId, scope: &Scope) -> Result<bool, Error> {
        Ok(self.repository_is_used_within(repository, scope))
    }
}

#[async_trait]
impl Attachments for Tables {
    async fn attach(
        &mut self,
        host: HostId,
        repository: RepositoryId,
        location: Option<&str>,
    ) -> Result<(), Error> {
        self.live_host(host)?;
        self.live_repository(repository)?;
        if self.attachments.contains_key(&(host, repository)) {
            return Err(Error::new(ErrorKind::Taken, "attachment"));
        }
        let attachment = Attachment {
            host,
            repository,
            location: location.map(str::to_owned),
            state: RepositoryState::Unverified,
            detail: None,
            checked: None,
            needs_check: true,
            listed: None,
            snapshots: 0,
            newest: None,
            version: 1,
        };
        Arc::make_mut(&mut self.attachments).insert((host, repository), attachment);
        Ok(())
    }

    async fn relocate(
        &mut self,
        host: HostId,
        repository: RepositoryId,
        location: Option<&str>,
        expected: i64,
    ) -> Result<i64, Error> {
        let attachment = row(&mut self.attachments, &(host, repository), "attachment")?;
        expect_version(attachment.version, expected, "attachment")?;
        attachment.location = location.map(str::to_owned);
        attachment.needs_check = true;
        attachment.version += 1;
        Ok(attachment.version)
    }

    async fn record_check(
        &mut self,
        host: HostId,
        repository: RepositoryId,
        state: RepositoryState,
        detail: Option<&str>,
        now: Timestamp,
    ) -> Result<(), Error> {
        let attachment = row(&mut self.attachments, &(host, repository), "attachment")?;
        attachment.state = state;
        attachment.detail = detail.map(without_nul);
        attachment.checked = Some(now);
        attachment.needs_check = false;
        Ok(())
    }

    async fn note_state(
        &mut self,
        host: HostId,
        repository: RepositoryId,
        state: RepositoryState,
        detail: Option<&str>,
    ) -> Result<(), Error> {
        let attachment = row(&mut self.attachments, &(host, repository), "attachment")?;
        attachment.state = state;
        attachment.detail = detail.map(without_nul);
        Ok(())
    }

    async fn request_checks(&mut self, repository: RepositoryId) -> Result<u64, Error> {
        let mut asked = 0;
        for attachment in Arc::make_mut(&mut self.attachments).values_mut() {
            if attachment.repository == repository {
                attachment.needs_check = true;
                asked += 1;
            }
        }
        Ok(asked)
    }

    async fn detach(&mut self, host: HostId, repository: RepositoryId) -> Result<(), Error> {
        if !self.attachments.contains_key(&(host, repository)) {
            return Err(Error::new(ErrorKind::NotFound, "attachment"));
        }
        if self.sources.values().any(|group| group.host == host && group.repository == repository) {
            return Err(Error::new(ErrorKind::InUse, "attachment"));
        }
        if self.repositories.get(&repository).is_some_and(|repository| repository.runner == Some(host)) {
            return Err(Error::new(ErrorKind::InUse, "attachment of a runner"));
        }
        Arc::make_mut(&mut self.attachments).remove(&(host, repository));
        remove(&mut self.snapshots, |snapshot| snapshot.host == host && snapshot.repository == repository);
        self.refresh_snapshot_facts(host);
        Ok(())
    }
}

impl Tables {
    pub(super) fn repository_is_used_within(&self, repository: RepositoryId, scope: &Scope) -> bool {
        let mut of_it = self.attachments.keys().filter(|(_, there)| *there == repository);
        of_it.any(|(host, _)| self.sees(scope, *host))
    }
}
