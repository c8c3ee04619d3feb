use restic_manager_proto::vocabulary::CredentialSlot;

use super::samples::*;
use crate::{
    Error, SealedBlob, Store,
    drafts::Draft,
    hooks::{HookOwner, Hooks},
    repositories::Credential,
    sealed::{SealedPlace, SealedRow},
};

/// Something sealed in every place of three rows, but for the second, which lacks its secrets.
async fn fill(store: &dyn Store) -> Result<(), Error> {
    let mut tx = begin(store).await?;
    for number in 1..=3_u32 {
        let mut repository = repository(number);
        if number == 2 {
            (repository.password, repository.password_set) = (None, None);
        }
        tx.repositories().add(&repository).await?;
        for slot in CredentialSlot::ALL.iter().filter(|_| number != 2) {
            let sealed = blob(*slot, number);
            let repository = repository.id;
            let credential = Credential { repository, slot: *slot, sealed, set: at(number), set_by: None };
            tx.repositories().set_credential(&credential).await?;
        }
        tx.users().add(&user(number)).await?;
        tx.hosts().enrol(&host(number)).await?;
        if number != 2 {
            tx.attachments().attach(host_id(number), repository_id(number), None).await?;
            tx.sources().add(&group(number, number, number)).await?;
            tx.hooks().set(&hooks(HookOwner::Host(host_id(number)), number), 0).await?;
            let of_group = HookOwner::SourceGroup(group_id(number));
            tx.hooks().set(&hooks(of_group, number + 100), 0).await?;
            tx.factors().set_totp(&totp(number, number)).await?;
            tx.channels().add(&channel(number)).await?;
            tx.jobs().queue(&job(number, 1)).await?;
            tx.drafts().keep(&draft(number)).await?;
        }
    }
    tx.commit(ROUTINE).await
}

fn blob(slot: CredentialSlot, number: u32) -> SealedBlob {
    SealedBlob::new([slot as u8 + 100, number as u8])
}

fn draft(number: u32) -> Draft {
    Draft { job: job_id(number), sealed: SealedBlob::new([77, number as u8]) }
}

fn expected(place: SealedPlace, number: u32) -> SealedRow {
    let sealed = match place {
        SealedPlace::RepositoryPassword => repository(number).password.unwrap_or(SealedBlob::new([])),
        SealedPlace::EverydayCredential => blob(CredentialSlot::Everyday, number),
        SealedPlace::MaintenanceCredential => blob(CredentialSlot::Maintenance, number),
        SealedPlace::TotpSecret => {
            let totp = totp(number, number);
            return SealedRow { row: *totp.user.as_bytes(), sealed: totp.secret };
        }
        SealedPlace::Draft => {
            let draft = draft(number);
            return SealedRow { row: *draft.job.as_bytes(), sealed: draft.sealed };
        }
        SealedPlace::HostHooks => return of_hooks(hooks(HookOwner::Host(host_id(number)), number)),
        SealedPlace::SourceGroupHooks => {
            return of_hooks(hooks(HookOwner::SourceGroup(group_id(number)), number + 100));
        }
        SealedPlace::ChannelSecrets => {
            let channel = channel(number);
            return SealedRow { row: *channel.id.as_bytes(), sealed: channel.sealed.unwrap_or(SealedBlob::new([])) };
        }
    };
    SealedRow { row: *repository_id(number).as_bytes(), sealed }
}

fn of_hooks(hooks: Hooks) -> SealedRow {
    SealedRow { row: *hooks.owner.as_bytes(), sealed: hooks.sealed }
}

pub async fn every_place_is_walked(store: &dyn Store) -> Result<(), Error> {
    fill(store).await?;
    let mut read = store.read().await?;
    for place in SealedPlace::ALL.iter().copied() {
        let first = read.sealed().rows(place, None, 1).await?;
        assert_eq!(first, [expected(place, 1)], "{place:?}");
        let second = read.sealed().rows(place, Some(first[0].row), 9).await?;
        assert_eq!(second, [expected(place, 3)], "{place:?}");
        assert_eq!(read.sealed().rows(place, Some(second[0].row), 9).await?, [], "{place:?}");
    }
    Ok(())
}

pub async fn a_seal_is_replaced_alone(store: &dyn Store) -> Result<(), Error> {
    fill(store).await?;
    let before = store.read().await?.repositories().find(repository_id(1)).await?;
    for place in SealedPlace::ALL.iter().copied() {
        let old = expected(place, 1);
        let new = SealedBlob::new([9, 9, place as u8]);
        assert!(change!(store, |tx| tx.sealed().reseal(place, &old, &new))?, "{place:?}");
        assert!(!change!(store, |tx| tx.sealed().reseal(place, &old, &new))?, "something else is there by now");
        let mut read = store.read().await?;
        let rows = read.sealed().rows(place, None, 9).await?;
        assert_eq!(rows, [SealedRow { sealed: new, ..old }, expected(place, 3)], "{place:?}");
    }
    let after = store.read().await?.repositories().find(repository_id(1)).await?;
    let times = |row: &Option<crate::repositories::Repository>| {
        row.as_ref().map(|row| (row.version, row.password_set))
    };
    assert_eq!(times(&before), times(&after), "nobody changed a secret");
    Ok(())
}
