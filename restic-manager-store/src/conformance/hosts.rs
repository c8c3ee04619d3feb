use restic_manager_proto::{
    Bandwidth, JobEnd, Scope,
    agent::ConfigurationVersion,
    vocabulary::{Cause, JobKind, JobState, PresenceMode},
};

use super::samples::*;
use crate::{
    Error, ErrorKind, PageRequest, PublicKey, SealedBlob, Store,
    drafts::Draft,
    hooks::HookOwner,
    hosts::{
        Backups, ConfigurationState, DayTally, Host, HostCursor, HostFilter, HostOrder, HostPlan, HostSettings, HostStanding,
        NewHost, OutboxPosition,
    },
    jobs::NewJob,
    snapshots::SnapshotScope,
};

async fn stored(store: &dyn Store, number: u32) -> Result<Host, Error> {
    let host = store.read().await?.hosts().find(host_id(number)).await?;
    host.ok_or(Error::new(ErrorKind::NotFound, "host"))
}

pub async fn names_and_tokens_are_unique(store: &dyn Store) -> Result<(), Error> {
    change!(store, |tx| tx.hosts().enrol(&host(1)))?;
    let same_name = NewHost { name: " HOST 001".into(), ..host(2) };
    assert_kind(change!(store, |tx| tx.hosts().enrol(&same_name)), ErrorKind::Taken);
    let same_token = NewHost { agent_token: token(1), ..host(2) };
    assert_kind(change!(store, |tx| tx.hosts().enrol(&same_token)), ErrorKind::Taken);
    change!(store, |tx| tx.hosts().enrol(&host(2)))?;
    assert_kind(change!(store, |tx| tx.hosts().rotate_token(host_id(2), &token(1))), ErrorKind::Taken);
    change!(store, |tx| tx.hosts().rotate_token(host_id(2), &token(22)))?;
    let mut read = store.read().await?;
    assert_eq!(read.hosts().with_agent_token(&token(2)).await?, None);
    assert_eq!(read.hosts().with_agent_token(&token(22)).await?.map(|host| host.id), Some(host_id(2)));
    assert_eq!(read.hosts().named("hosT 002").await?.map(|host| host.id), Some(host_id(2)));
    Ok(())
}

pub async fn a_name_is_free_after_deletion(store: &dyn Store) -> Result<(), Error> {
    change!(store, |tx| tx.hosts().enrol(&host(1)))?;
    change!(store, |tx| tx.hosts().delete(host_id(1), at(5)))?;
    change!(store, |tx| tx.hosts().enrol(&NewHost { name: host(1).name, ..host(2) }))?;
    let named = store.read().await?.hosts().named("host 001").await?;
    assert_eq!(named.map(|host| host.id), Some(host_id(2)));
    Ok(())
}

pub async fn settings_want_the_version(store: &dyn Store) -> Result<(), Error> {
    change!(store, |tx| tx.hosts().enrol(&host(1)))?;
    change!(store, |tx| tx.hosts().enrol(&host(2)))?;
    let settings = HostSettings {
        name: "Renamed".into(),
        tags: vec!["z".into(), "a".into()],
        presence_mode: PresenceMode::Intermittent,
        bandwidth: Bandwidth { upload_kib: Some(512), download_kib: None },
    };
    assert_eq!(change!(store, |tx| tx.hosts().configure(host_id(1), &settings, 1))?, 2);
    assert_kind(change!(store, |tx| tx.hosts().configure(host_id(1), &settings, 1)), ErrorKind::Conflict);
    assert_kind(change!(store, |tx| tx.hosts().configure(host_id(9), &settings, 1)), ErrorKind::NotFound);
    assert_kind(change!(store, |tx| tx.hosts().configure(host_id(2), &settings, 1)), ErrorKind::Taken);
    let host = stored(store, 1).await?;
    assert_eq!((host.name, host.tags, host.version), (settings.name, settings.tags, 2));
    assert_eq!((host.presence_mode, host.bandwidth), (PresenceMode::Intermittent, settings.bandwidth));
    Ok(())
}

pub async fn the_name_for_restic_stays(store: &dyn Store) -> Result<(), Error> {
    change!(store, |tx| tx.hosts().enrol(&host(1)))?;
    let settings = HostSettings {
        name: "Renamed".into(),
        tags: Vec::new(),
        presence_mode: PresenceMode::AlwaysOn,
        bandwidth: Bandwidth::default(),
    };
    change!(store, |tx| tx.hosts().configure(host_id(1), &settings, 1))?;
    assert_eq!(stored(store, 1).await?.restic_name, "host-1");
    let same = NewHost { restic_name: "host-1".into(), ..host(2) };
    assert_kind(change!(store, |tx| tx.hosts().enrol(&same)), ErrorKind::Taken);
    assert!(store.read().await?.hosts().has_restic_name("host-1").await?);
    change!(store, |tx| tx.hosts().delete(host_id(1), at(5)))?;
    assert!(store.read().await?.hosts().has_restic_name("host-1").await?, "its policies find snapshots by it");
    assert_kind(change!(store, |tx| tx.hosts().enrol(&same)), ErrorKind::Taken);
    while !change!(store, |tx| tx.hosts().purge(host_id(1), 100))? {}
    assert!(!store.read().await?.hosts().has_restic_name("host-1").await?, "it is free again");
    change!(store, |tx| tx.hosts().enrol(&same))
}

pub async fn connections_count_up(store: &dyn Store) -> Result<(), Error> {
    change!(store, |tx| tx.hosts().enrol(&host(1)))?;
    let (old, new) = (facts("0.18.0"), facts("0.19.1"));
    assert_eq!(change!(store, |tx| tx.hosts().connect(host_id(1), at(10), &old, None))?, 1);
    assert_eq!(change!(store, |tx| tx.hosts().connect(host_id(1), at(20), &old, Some("192.0.2.9")))?, 2);
    let unknown = change!(store, |tx| tx.hosts().connect(host_id(2), at(20), &old, None));
    assert_kind(unknown, ErrorKind::NotFound);
    change!(store, |tx| tx.hosts().describe(host_id(1), &new))?;
    assert_kind(change!(store, |tx| tx.hosts().describe(host_id(2), &new)), ErrorKind::NotFound);
    change!(store, |tx| tx.hosts().note_last_seen(host_id(1), at(30)))?;
    change!(store, |tx| tx.hosts().note_last_seen(host_id(2), at(30)))?;
    let host = stored(store, 1).await?;
    assert_eq!((host.generation, host.last_seen, host.facts, host.version), (2, Some(at(30)), new, 1));
    assert_eq!(host.address.as_deref(), Some("192.0.2.9"));
    Ok(())
}

pub async fn the_outbox_never_goes_back(store: &dyn Store) -> Result<(), Error> {
    change!(store, |tx| tx.hosts().enrol(&host(1)))?;
    let position = |outbox, sequence| OutboxPosition { outbox: outbox_id(outbox), sequence };
    for forward in [position(1, 5), position(1, 5), position(1, 9), position(2, 1)] {
        change!(store, |tx| tx.hosts().advance_outbox(host_id(1), forward))?;
        assert_eq!(stored(store, 1).await?.outbox, Some(forward));
    }
    let back = change!(store, |tx| tx.hosts().advance_outbox(host_id(1), position(2, 0)));
    assert_kind(back, ErrorKind::Conflict);
    let unknown = change!(store, |tx| tx.hosts().advance_outbox(host_id(3), position(2, 0)));
    assert_kind(unknown, ErrorKind::NotFound);
    Ok(())
}

pub async fn a_take_over_forgets_the_old_agent(store: &dyn Store) -> Result<(), Error> {
    change!(store, |tx| tx.hosts().enrol(&host(1)))?;
    change!(store, |tx| tx.hosts().connect(host_id(1), at(10), &facts("0.19.1"), None))?;
    let old = OutboxPosition { outbox: outbox_id(1), sequence: 7 };
    change!(store, |tx| tx.hosts().advance_outbox(host_id(1), old))?;
    let key = PublicKey::new([9; 32]);
    change!(store, |tx| tx.hosts().take_over(host_id(1), &key, &token(9), at(40)))?;
    let host = stored(store, 1).await?;
    assert_eq!((host.public_key, host.agent_token, host.enrolled), (key, token(9), at(40)));
    assert_eq!((host.outbox, host.last_seen, host.generation), (None, None, 1));
    Ok(())
}

pub async fn a_token_is_offered_once_and_confirmed(store: &dyn Store) -> Result<(), Error> {
    change!(store, |tx| tx.hosts().enrol(&host(1)))?;
    assert_eq!(stored(store, 1).await?.token_since, Some(at(1)));
    let none = change!(store, |tx| tx.hosts().confirm_token(host_id(1), &token(9), at(2)));
    assert_kind(none, ErrorKind::Conflict);
    change!(store, |tx| tx.hosts().offer_token(host_id(1), &token(9)))?;
    let second = change!(store, |tx| tx.hosts().offer_token(host_id(1), &token(8)));
    assert_kind(second, ErrorKind::Conflict);
    let other = change!(store, |tx| tx.hosts().confirm_token(host_id(1), &token(8), at(2)));
    assert_kind(other, ErrorKind::Conflict);
    let host = stored(store, 1).await?;
    assert_eq!((host.agent_token, host.next_token, host.last_token), (token(1), Some(token(9)), None));
    change!(store, |tx| tx.hosts().age_token(host_id(1)))?;
    assert_eq!(stored(store, 1).await?.token_since, None);
    change!(store, |tx| tx.hosts().confirm_token(host_id(1), &token(9), at(50)))?;
    let host = stored(store, 1).await?;
    assert_eq!((host.agent_token, host.next_token, host.last_token), (token(9), None, Some(token(1))));
    assert_eq!(host.token_since, Some(at(50)));
    let gone = change!(store, |tx| tx.hosts().offer_token(host_id(7), &token(8)));
    assert_kind(gone, ErrorKind::NotFound);
    Ok(())
}

pub async fn a_withdrawn_token_is_worth_nothing(store: &dyn Store) -> Result<(), Error> {
    change!(store, |tx| tx.hosts().enrol(&host(1)))?;
    change!(store, |tx| tx.hosts().offer_token(host_id(1), &token(9)))?;
    change!(store, |tx| tx.hosts().withdraw_token(host_id(1)))?;
    change!(store, |tx| tx.hosts().withdraw_token(host_id(1)))?;
    let late = change!(store, |tx| tx.hosts().confirm_token(host_id(1), &token(9), at(2)));
    assert_kind(late, ErrorKind::Conflict);
    change!(store, |tx| tx.hosts().offer_token(host_id(1), &token(8)))?;
    let key = PublicKey::new([9; 32]);
    change!(store, |tx| tx.hosts().take_over(host_id(1), &key, &token(7), at(40)))?;
    let host = stored(store, 1).await?;
    assert_eq!((host.next_token, host.last_token, host.token_since), (None, None, Some(at(40))));
    Ok(())
}

pub async fn a_deleted_host_is_history(store: &dyn Store) -> Result<(), Error> {
    fleet(store).await?;
    change!(store, |tx| tx.jobs().queue(&job(1, 1)))?;
    change!(store, |tx| tx.hosts().delete(host_id(1), at(9)))?;
    assert_kind(change!(store, |tx| tx.hosts().delete(host_id(1), at(9))), ErrorKind::NotFound);
    assert_kind(change!(store, |tx| tx.hosts().rotate_token(host_id(1), &token(8))), ErrorKind::NotFound);
    assert_kind(change!(store, |tx| tx.jobs().queue(&job(2, 1))), ErrorKind::NotFound);
    assert_eq!(stored(store, 1).await?.deleted, Some(at(9)));
    let mut read = store.read().await?;
    assert_eq!(read.hosts().with_agent_token(&token(1)).await?, None);
    assert_eq!(read.hosts().named("Host 001").await?, None);
    let page = read.hosts().page(&HostFilter::default(), HostOrder::Name, PageRequest::first(9)).await?;
    assert_eq!(page.items.iter().map(|host| host.id).collect::<Vec<_>>(), [host_id(2)]);
    assert!(read.jobs().find(job_id(1)).await?.is_some());
    Ok(())
}

pub async fn deleted_hosts_have_their_own_list(store: &dyn Store) -> Result<(), Error> {
    for number in 1..=4 {
        change!(store, |tx| tx.hosts().enrol(&host(number)))?;
    }
    for number in [4, 2] {
        change!(store, |tx| tx.hosts().delete(host_id(number), at(9)))?;
    }
    let deleted = HostFilter { deleted: true, ..HostFilter::default() };
    let named = Scope::Hosts { hosts: [host_id(1), host_id(4)].into() };
    let cases = [
        (deleted.clone(), vec![2, 4]),
        (HostFilter { search: Some("004".into()), ..deleted.clone() }, vec![4]),
        (HostFilter { tag: Some("rack-1".into()), ..deleted.clone() }, vec![]),
        (HostFilter { scope: named, ..deleted.clone() }, vec![4]),
        (HostFilter { scope: Scope::Tags { tags: ["rack-1".into()].into() }, ..deleted }, vec![]),
    ];
    let mut read = store.read().await?;
    for (filter, expected) in cases {
        let page = read.hosts().page(&filter, HostOrder::Name, PageRequest::first(9)).await?;
        let found: Vec<_> = page.items.iter().map(|host| host.id).collect();
        assert_eq!(found, expected.into_iter().map(host_id).collect::<Vec<_>>(), "{filter:?}");
    }
    Ok(())
}

pub async fn a_purge_leaves_nothing_of_the_host(store: &dyn Store) -> Result<(), Error> {
    planned(store).await?;
    change!(store, |tx| tx.schedules().add(&schedule(1, 1)))?;
    change!(store, |tx| tx.snapshots().record_listing(host_id(1), repository_id(1), &[listed(1), listed(2)], at(5)))?;
    for (number, of_host) in [(1, 1), (2, 1), (3, 2)] {
        change!(store, |tx| tx.jobs().queue(&job(number, of_host)))?;
        change!(store, |tx| tx.logs().append(job_id(number), &[line(1), line(2)]))?;
    }
    change!(store, |tx| tx.jobs().finish(job_id(1), at(50), &end(JobState::Succeeded)))?;
    change!(store, |tx| tx.jobs().finish(job_id(2), at(51), &end(JobState::Cancelled)))?;
    let hooked = [HookOwner::Host(host_id(1)), HookOwner::SourceGroup(group_id(1))];
    for owner in hooked {
        change!(store, |tx| tx.hooks().set(&hooks(owner, 1), 0))?;
    }
    change!(store, |tx| tx.hooks().set(&hooks(HookOwner::Host(host_id(2)), 1), 0))?;
    change!(store, |tx| tx.previews().add(job_id(1), &[previewed(1)]))?;
    change!(store, |tx| tx.drafts().keep(&Draft { job: job_id(1), sealed: SealedBlob::new([1]) }))?;
    assert_kind(change!(store, |tx| tx.hosts().purge(host_id(1), 100)), ErrorKind::NotFound);
    change!(store, |tx| tx.hosts().delete(host_id(1), at(60)))?;

    let mut batches = 1;
    while !change!(store, |tx| tx.hosts().purge(host_id(1), 2))? {
        batches += 1;
        assert!(batches < 20, "each batch removes something");
    }
    assert!(batches > 3, "no batch removes more than it may");
    assert_kind(change!(store, |tx| tx.hosts().purge(host_id(1), 2)), ErrorKind::NotFound);

    let mut read = store.read().await?;
    assert_eq!(read.hosts().find(host_id(1)).await?, None);
    assert_eq!(read.jobs().find(job_id(1)).await?, None);
    assert_eq!(read.jobs().tallies().await?, [(JobState::Queued, 1)]);
    assert_eq!(read.previews().page(job_id(1), PageRequest::first(9)).await?.items, []);
    assert_eq!(read.drafts().find(job_id(1)).await?, None);
    for owner in hooked {
        assert_eq!(read.hooks().find(owner).await?, None, "a removed host's scripts are not kept");
    }
    assert!(read.hooks().find(HookOwner::Host(host_id(2))).await?.is_some());
    assert_eq!(read.schedules().find(schedule_id(1)).await?, None);
    assert_eq!(read.sources().of_host(host_id(1)).await?, []);
    assert_eq!(read.attachments().of_host(host_id(1)).await?, []);
    let of_host = SnapshotScope::Host(host_id(1));
    assert_eq!(read.snapshots().page(of_host, PageRequest::first(9)).await?.items, []);
    assert!(read.hosts().find(host_id(2)).await?.is_some(), "the others stay");
    assert!(read.jobs().find(job_id(3)).await?.is_some());
    assert_eq!(read.sources().of_host(host_id(2)).await?.len(), 2);
    drop(read);
    change!(store, |tx| tx.hosts().enrol(&host(1)))?;
    Ok(())
}

pub async fn filters_and_pages_agree(store: &dyn Store) -> Result<(), Error> {
    for number in [4, 2, 5, 1, 3] {
        change!(store, |tx| tx.hosts().enrol(&host(number)))?;
    }
    for (number, plan) in [
        (1, host_plan(10, None)),
        (2, host_plan(20, Some(JobState::Succeeded))),
        (4, HostPlan { fresh_until: None, ..host_plan(0, Some(JobState::Failed)) }),
    ] {
        change!(store, |tx| tx.hosts().plan(host_id(number), &plan))?;
        assert_eq!(stored(store, number).await?.plan(), plan);
    }
    change!(store, |tx| tx.hosts().want_configuration(host_id(3), "digest", at(5)))?;
    let cases = [
        (HostFilter::default(), vec![1, 2, 3, 4, 5]),
        (HostFilter { tag: Some("rack-1".into()), ..HostFilter::default() }, vec![1, 4]),
        (HostFilter { tag: Some("rack".into()), ..HostFilter::default() }, vec![]),
        (HostFilter { backups: Some(Backups::Failing), ..HostFilter::default() }, vec![4]),
        (HostFilter { backups: Some(Backups::Failing), drifting: true, ..HostFilter::default() }, vec![]),
        (HostFilter { backups: Some(Backups::FreshAt(at(19))), ..HostFilter::default() }, vec![2]),
        (HostFilter { backups: Some(Backups::StaleAt(at(19))), ..HostFilter::default() }, vec![1]),
        (HostFilter { backups: Some(Backups::StaleAt(at(20))), ..HostFilter::default() }, vec![1, 2]),
        (HostFilter { backups: Some(Backups::Unknown), ..HostFilter::default() }, vec![3, 5]),
        (HostFilter { drifting: true, ..HostFilter::default() }, vec![3]),
        (HostFilter { search: Some("ST 00".into()), ..HostFilter::default() }, vec![1, 2, 3, 4, 5]),
        (HostFilter { search: Some("003".into()), ..HostFilter::default() }, vec![3]),
        (HostFilter { search: Some("0%3".into()), ..HostFilter::default() }, vec![]),
        (HostFilter { search: Some("_".into()), ..HostFilter::default() }, vec![]),
    ];
    let mut read = store.read().await?;
    for (filter, expected) in cases {
        let expected: Vec<_> = expected.into_iter().map(host_id).collect();
        let mut found = Vec::new();
        let mut request = PageRequest::first(2);
        loop {
            let page = read.hosts().page(&filter, HostOrder::Name, request).await?;
            assert!(page.items.len() <= 2);
            found.extend(page.items.into_iter().map(|host| host.id));
            let Some(next) = page.next else { break };
            request = PageRequest::after(next, 2);
        }
        assert_eq!(found, expected, "{filter:?}");
    }
    let beyond = HostCursor { name: "host 003".into(), moment: 0, id: host_id(2) };
    let page = read.hosts().page(&HostFilter::default(), HostOrder::Name, PageRequest::after(beyond, 1)).await?;
    assert_eq!(page.items[0].id, host_id(3), "the id decides between equal names");
    Ok(())
}

pub async fn orders_put_what_is_missing_at_one_end(store: &dyn Store) -> Result<(), Error> {
    for number in 1..=4 {
        change!(store, |tx| tx.hosts().enrol(&host(number)))?;
    }
    for (number, next_run) in [(4, 10), (2, 20), (3, 20)] {
        let plan = HostPlan { next_run: Some(at(next_run)), ..HostPlan::default() };
        change!(store, |tx| tx.hosts().plan(host_id(number), &plan))?;
    }
    for (number, ended) in [(1, 60), (3, 50)] {
        change!(store, |tx| tx.jobs().queue(&job(number, number)))?;
        change!(store, |tx| tx.jobs().finish(job_id(number), at(ended), &end(JobState::Succeeded)))?;
    }
    let mut read = store.read().await?;
    let cases = [(HostOrder::NextRun, [4, 2, 3, 1]), (HostOrder::LastGood, [2, 4, 3, 1])];
    for (order, expected) in cases {
        let (mut found, mut request) = (Vec::new(), PageRequest::first(1));
        loop {
            let page = read.hosts().page(&HostFilter::default(), order, request).await?;
            found.extend(page.items.into_iter().map(|host| host.id));
            let Some(next) = page.next else { break };
            request = PageRequest::after(next, 1);
        }
        assert_eq!(found, expected.map(host_id), "{order:?}");
    }
    assert_eq!(read.hosts().run_passed(at(19), 9).await?, [host_id(4)]);
    assert_eq!(read.hosts().run_passed(at(20), 2).await?, [host_id(4), host_id(2)]);
    Ok(())
}

pub async fn days_keep_a_tally_of_backups(store: &dyn Store) -> Result<(), Error> {
    const DAY: u32 = 86_400;
    fleet(store).await?;
    let ends = [
        (1, 0, JobState::Succeeded, Cause::None),
        (2, 0, JobState::Failed, Cause::Unreachable),
        (3, 0, JobState::Skipped, Cause::SlotNotNeeded),
        (4, 2, JobState::Incomplete, Cause::SourceUnreadable),
        (5, 2, JobState::Skipped, Cause::SlotMissed),
        (6, 2, JobState::Cancelled, Cause::Cancelled),
    ];
    for (number, day, state, cause) in ends {
        change!(store, |tx| tx.jobs().queue(&NewJob { created: at(day * DAY), ..job(number, 1) }))?;
        change!(store, |tx| tx.jobs().finish(job_id(number), at(9 * DAY), &JobEnd::new(state, cause)))?;
    }
    let check = NewJob { kind: JobKind::CheckRepository, ..job(7, 1) };
    change!(store, |tx| tx.jobs().queue(&check))?;
    change!(store, |tx| tx.jobs().finish(check.id, at(9), &end(JobState::Failed)))?;
    let first = DayTally::day_of(at(0));
    change!(store, |tx| tx.hosts().note_missed(host_id(1), &[first + 1, first + 2]))?;
    let tally = |day, good, incomplete, failed, missed| DayTally { day, good, incomplete, failed, missed };
    let expected = [tally(first, 1, 0, 1, 0), tally(first + 1, 0, 0, 0, 1), tally(first + 2, 0, 1, 0, 2)];
    assert_eq!(stored(store, 1).await?.days, expected);
    change!(store, |tx| tx.hosts().note_missed(host_id(1), &[first + 31]))?;
    let days = stored(store, 1).await?.days;
    assert_eq!(days, [expected[2], tally(first + 31, 0, 0, 0, 1)], "old days are let go");
    assert_kind(change!(store, |tx| tx.hosts().note_missed(host_id(9), &[1])), ErrorKind::NotFound);
    Ok(())
}

pub async fn configurations_are_wanted_and_held(store: &dyn Store) -> Result<(), Error> {
    change!(store, |tx| tx.hosts().enrol(&host(1)))?;
    let id = host_id(1);
    let version = |number, digest: &str| ConfigurationVersion { number, digest: digest.into() };
    assert_eq!(stored(store, 1).await?.configuration, ConfigurationState::default());
    let first = change!(store, |tx| tx.hosts().want_configuration(id, "a", at(1)))?;
    assert_eq!(first, version(1, "a"));
    change!(store, |tx| tx.hosts().refuse_configuration(id, "too old"))?;
    assert_eq!(change!(store, |tx| tx.hosts().want_configuration(id, "a", at(2)))?, first, "nothing is new");
    let refused = stored(store, 1).await?.configuration;
    assert_eq!((refused.drift_since, refused.refusal.as_deref()), (Some(at(1)), Some("too old")));
    let second = change!(store, |tx| tx.hosts().want_configuration(id, "b", at(3)))?;
    change!(store, |tx| tx.hosts().hold_configuration(id, Some(&first), at(4)))?;
    let late = stored(store, 1).await?.configuration;
    assert_eq!((late.drift_since, late.held, late.refusal), (Some(at(1)), Some(first), None));
    change!(store, |tx| tx.hosts().hold_configuration(id, Some(&second), at(5)))?;
    assert_eq!(stored(store, 1).await?.configuration.drift_since, None);
    // An agent that knows a later configuration than this database, which is an older copy.
    change!(store, |tx| tx.hosts().hold_configuration(id, Some(&version(9, "z")), at(6)))?;
    assert_eq!(stored(store, 1).await?.configuration.drift_since, Some(at(6)));
    let higher = change!(store, |tx| tx.hosts().want_configuration(id, "c", at(7)))?;
    assert_eq!(higher, version(10, "c"));
    let beyond = version(u64::MAX, "\0");
    change!(store, |tx| tx.hosts().hold_configuration(id, Some(&beyond), at(8)))?;
    assert_eq!(stored(store, 1).await?.configuration.held, None);
    change!(store, |tx| tx.hosts().hold_configuration(id, Some(&higher), at(9)))?;
    change!(store, |tx| tx.hosts().take_over(id, &PublicKey::new([9; 32]), &token(9), at(40)))?;
    let taken = stored(store, 1).await?.configuration;
    assert_eq!((taken.held, taken.drift_since), (None, Some(at(40))));
    let unknown = change!(store, |tx| tx.hosts().want_configuration(host_id(9), "a", at(1)));
    assert_kind(unknown, ErrorKind::NotFound);
    Ok(())
}

pub async fn standings_count_every_host(store: &dyn Store) -> Result<(), Error> {
    for number in 1..=6 {
        change!(store, |tx| tx.hosts().enrol(&host(number)))?;
    }
    for (number, plan) in [
        (1, host_plan(10, None)),
        (2, host_plan(30, Some(JobState::Succeeded))),
        (3, host_plan(40, Some(JobState::Succeeded))),
        (5, HostPlan { fresh_until: None, ..host_plan(0, Some(JobState::Failed)) }),
        (6, host_plan(40, None)),
    ] {
        change!(store, |tx| tx.hosts().plan(host_id(number), &plan))?;
    }
    change!(store, |tx| tx.hosts().delete(host_id(6), at(60)))?;
    let mut standings = store.read().await?.hosts().standings(&Scope::All, at(20)).await?;
    standings.sort_unstable();
    let standing = |worst_backup, is_fresh, hosts| HostStanding { worst_backup, is_fresh, hosts };
    let expected = [
        standing(None, None, 1),
        standing(None, Some(false), 1),
        standing(Some(JobState::Succeeded), Some(true), 2),
        standing(Some(JobState::Failed), None, 1),
    ];
    assert_eq!(standings, expected);
    Ok(())
}

pub async fn tags_follow_the_hosts(store: &dyn Store) -> Result<(), Error> {
    change!(store, |tx| tx.hosts().enrol(&NewHost { tags: vec!["b".into(), "a".into(), "b".into()], ..host(1) }))?;
    change!(store, |tx| tx.hosts().enrol(&NewHost { tags: vec!["B".into(), "é".into()], ..host(2) }))?;
    assert_eq!(store.read().await?.hosts().tags().await?, ["B", "a", "b", "é"]);
    let settings = HostSettings {
        name: "x".into(),
        tags: vec!["c".into()],
        presence_mode: PresenceMode::AlwaysOn,
        bandwidth: Bandwidth::default(),
    };
    change!(store, |tx| tx.hosts().configure(host_id(1), &settings, 1))?;
    assert_eq!(store.read().await?.hosts().tags().await?, ["B", "c", "é"]);
    change!(store, |tx| tx.hosts().delete(host_id(2), at(3)))?;
    assert_eq!(store.read().await?.hosts().tags().await?, ["c"]);
    Ok(())
}

pub async fn those_to_be_looked_at_are_found(store: &dyn Store) -> Result<(), Error> {
    fleet(store).await?;
    let to_watch = async |moment, limit| store.read().await?.hosts().to_watch(moment, limit).await;
    assert_eq!(to_watch(at(9000), 9).await?, []);
    change!(store, |tx| tx.hosts().watch(host_id(1), Some(at(20))))?;
    change!(store, |tx| tx.hosts().watch(host_id(9), Some(at(1))))?;
    assert_eq!(to_watch(at(19), 9).await?, []);
    assert_eq!(to_watch(at(20), 9).await?, [host_id(1)]);
    change!(store, |tx| tx.hosts().watch_all(at(30)))?;
    assert_eq!(to_watch(at(29), 9).await?, [host_id(1)], "never put off");
    assert_eq!(to_watch(at(30), 9).await?, [host_id(1), host_id(2)]);
    assert_eq!(to_watch(at(30), 1).await?, [host_id(1)]);
    change!(store, |tx| tx.hosts().watch_by(host_id(1), at(25)))?;
    change!(store, |tx| tx.hosts().watch_by(host_id(2), at(10)))?;
    assert_eq!(to_watch(at(20), 9).await?, [host_id(2), host_id(1)]);
    change!(store, |tx| tx.hosts().watch(host_id(1), None))?;
    assert_eq!(to_watch(at(30), 9).await?, [host_id(2)]);
    Ok(())
}

pub async fn many_are_seen_at_once(store: &dyn Store) -> Result<(), Error> {
    fleet(store).await?;
    change!(store, |tx| tx.hosts().note_last_seen(host_id(2), at(5)))?;
    change!(store, |tx| tx.hosts().delete(host_id(2), at(6)))?;
    change!(store, |tx| tx.hosts().note_all_seen(&[(host_id(1), at(70)), (host_id(2), at(71)), (host_id(9), at(72))]))?;
    change!(store, |tx| tx.hosts().note_all_seen(&[]))?;
    let mut read = store.read().await?;
    for (number, seen) in [(1, at(70)), (2, at(5))] {
        let host = read.hosts().find(host_id(number)).await?;
        assert_eq!(host.and_then(|host| host.last_seen), Some(seen), "host {number}");
    }
    Ok(())
}
