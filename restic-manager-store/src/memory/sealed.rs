use async_trait::async_trait;
use restic_manager_proto::{
    ChannelId, HostId, JobId, RepositoryId, SourceGroupId, UserId, vocabulary::CredentialSlot,
};
use std::sync::Arc;

use super::tables::Tables;
use crate::{
    Error, SealedBlob,
    hooks::HookOwner,
    sealed::{SealedPlace, SealedQueries, SealedRow, Sealing},
};

#[async_trait]
impl SealedQueries for Tables {
    async fn rows(
        &mut self,
        place: SealedPlace,
        after: Option<[u8; 16]>,
        limit: usize,
    ) -> Result<Vec<SealedRow>, Error> {
        let credentials = |slot: CredentialSlot| -> Vec<SealedRow> {
            let of_slot = self.credentials.values().filter(|one| one.slot == slot);
            of_slot.map(|one| row(*one.repository.as_bytes(), &one.sealed)).collect()
        };
        let hooks = |is_of: fn(&HookOwner) -> bool| -> Vec<SealedRow> {
            let of_kind = self.hooks.iter().filter(|(owner, _)| is_of(owner));
            of_kind.map(|(owner, one)| row(*owner.as_bytes(), &one.sealed)).collect()
        };
        let all: Vec<SealedRow> = match place {
            SealedPlace::RepositoryPassword => self
                .repositories
                .values()
                .filter_map(|one| Some(row(*one.id.as_bytes(), one.password.as_ref()?)))
                .collect(),
            SealedPlace::EverydayCredential => credentials(CredentialSlot::Everyday),
            SealedPlace::MaintenanceCredential => credentials(CredentialSlot::Maintenance),
            SealedPlace::TotpSecret => {
                self.totps.values().map(|one| row(*one.user.as_bytes(), &one.secret)).collect()
            }
            SealedPlace::Draft => {
                self.drafts.values().map(|one| row(*one.job.as_bytes(), &one.sealed)).collect()
            }
            SealedPlace::HostHooks => hooks(|owner| matches!(owner, HookOwner::Host(_))),
            SealedPlace::SourceGroupHooks => hooks(|owner| matches!(owner, HookOwner::SourceGroup(_))),
            SealedPlace::ChannelSecrets => self
                .channels
                .values()
                .filter_map(|one| Some(row(*one.id.as_bytes(), one.sealed.as_ref()?)))
                .collect(),
        };
        let mut rows: Vec<_> =
            all.into_iter().filter(|one| after.is_none_or(|after| one.row > after)).collect();
        rows.sort_unstable_by_key(|one| one.row);
        rows.truncate(limit);
        Ok(rows)
    }
}

#[async_trait]
impl Sealing for Tables {
    async fn reseal(&mut self, place: SealedPlace, old: &SealedRow, new: &SealedBlob) -> Result<bool, Error> {
        let id = RepositoryId::from_bytes(old.row);
        let kept = match place {
            SealedPlace::EverydayCredential => self.sealed_credential(id, CredentialSlot::Everyday),
            SealedPlace::MaintenanceCredential => self.sealed_credential(id, CredentialSlot::Maintenance),
            SealedPlace::TotpSecret => Arc::make_mut(&mut self.totps)
                .get_mut(&UserId::from_bytes(old.row))
                .map(|one| &mut one.secret),
            SealedPlace::HostHooks => self.sealed_hooks(HookOwner::Host(HostId::from_bytes(old.row))),
            SealedPlace::SourceGroupHooks => {
                self.sealed_hooks(HookOwner::SourceGroup(SourceGroupId::from_bytes(old.row)))
            }
            SealedPlace::Draft => Arc::make_mut(&mut self.drafts)
                .get_mut(&JobId::from_bytes(old.row))
                .map(|one| &mut one.sealed),
            SealedPlace::ChannelSecrets => Arc::make_mut(&mut self.channels)
                .get_mut(&ChannelId::from_bytes(old.row))
                .and_then(|one| one.sealed.as_mut()),
            SealedPlace::RepositoryPassword => {
                Arc::make_mut(&mut self.repositories).get_mut(&id).and_then(|one| one.password.as_mut())
            }
        };
        match kept {
            Some(kept) if *kept == old.sealed => {
                *kept = new.clone();
                Ok(true)
            }
            _ => Ok(false),
        }
    }
}

impl Tables {
    fn sealed_credential(&mut self, id: RepositoryId, slot: CredentialSlot) -> Option<&mut SealedBlob> {
        Arc::make_mut(&mut self.credentials).get_mut(&(id, slot)).map(|one| &mut one.sealed)
    }

    fn sealed_hooks(&mut self, owner: HookOwner) -> Option<&mut SealedBlob> {
        Arc::make_mut(&mut self.hooks).get_mut(&owner).map(|one| &mut one.sealed)
    }
}

fn row(row: [u8; 16], sealed: &SealedBlob) -> SealedRow {
    SealedRow { row, sealed: sealed.clone() }
}
