use restic_manager_proto::{
    Scope, Timestamp,
    vocabulary::{EnrolmentState, JobState},
};
use std::collections::BTreeSet;

use super::samples::*;
use crate::{
    Error, Page, PageRequest, Read, Store,
    enrolments::Enrolment,
    hosts::{Host, HostFilter, HostOrder, NewHost},
    jobs::{Job, JobScope},
};

const HOSTS: u32 = 44;
const JOBS: u32 = 70;
const TAGS: [&str; 5] = ["a", "A", "a_b", "b", "c:1"];

/// Small numbers that look random and are the same each time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u32) -> u32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as u32 % sides
    }

    fn tags(&mut self) -> Vec<String> {
        TAGS.iter().filter(|_| self.roll(4) == 0).map(|tag| (*tag).to_owned()).collect()
    }
}

pub async fn lists_are_the_filter_of_all(store: &dyn Store) -> Result<(), Error> {
    let mut dice = Dice(7);
    random_fleet(store, &mut dice).await?;
    let mut scopes = vec![Scope::All, Scope::nothing(), Scope::tags(["nobody's"]), Scope::tags(TAGS)];
    for _ in 0..6 {
        scopes.push(Scope::Tags { tags: dice.tags().into_iter().collect() });
        scopes.push(Scope::hosts((0..dice.roll(12)).map(|_| host_id(dice.roll(HOSTS)))));
    }
    let mut read = store.read().await?;
    for scope in scopes {
        compare(read.as_mut(), &scope).await?;
    }
    Ok(())
}

pub async fn a_removed_host_has_left_its_tags(store: &dyn Store) -> Result<(), Error> {
    fleet(store).await?;
    change!(store, |tx| tx.jobs().queue(&job(1, 1)))?;
    change!(store, |tx| tx.hosts().delete(host_id(1), at(9)))?;
    let mut read = store.read().await?;
    let host = read.hosts().find(host_id(1)).await?;
    for (scope, is_seen) in
        [(Scope::tags(["linux"]), false), (Scope::hosts([host_id(1)]), true), (Scope::All, true)]
    {
        assert_eq!(host.as_ref().map(|host| host.is_within(&scope)), Some(is_seen));
        let jobs = read.jobs().page(JobScope::Fleet, &scope, PageRequest::first(9)).await?;
        assert_eq!(jobs.items.len(), usize::from(is_seen), "{scope:?}");
        let of_host = read.jobs().page(JobScope::Host(host_id(1)), &scope, PageRequest::first(9)).await?;
        assert_eq!(of_host, jobs);
        assert_eq!(read.hosts().within(&Scope::hosts([host_id(1)]), 9).await?, []);
    }
    Ok(())
}

async fn random_fleet(store: &dyn Store, dice: &mut Dice) -> Result<(), Error> {
    let mut tx = store.begin().await?;
    for number in 1..=4 {
        tx.repositories().add(&repository(number)).await?;
    }
    for number in 0..HOSTS {
        tx.hosts().enrol(&NewHost { tags: dice.tags(), ..host(number) }).await?;
        for there in 1..=3 {
            if dice.roll(8) == 0 {
                tx.attachments().attach(host_id(number), repository_id(there), None).await?;
            }
        }
    }
    for number in 0..JOBS {
        tx.jobs().queue(&job(number, dice.roll(HOSTS))).await?;
        match dice.roll(3) {
            0 => drop(tx.jobs().start(job_id(number), at(1), None).await?),
            1 => drop(tx.jobs().finish(job_id(number), at(2), &end(JobState::Failed)).await?),
            _ => {}
        }
    }
    for number in 0..12 {
        let planned =
            Enrolment { tags: dice.tags(), state: EnrolmentState::Open, ..enrolment(number) };
        tx.enrolments().issue(&planned).await?;
    }
    for number in [3, 9, 20] {
        tx.hosts().delete(host_id(number), at(5)).await?;
    }
    tx.commit(ROUTINE).await
}

/// Every list of a scope is the list of all with what the scope doesn't hold left out.
async fn compare(read: &mut dyn Read, scope: &Scope) -> Result<(), Error> {
    let seen = seen_hosts(read, scope).await?;
    let live = hosts(read, &Scope::All).await?;
    let expected: Vec<_> = live.iter().filter(|host| host.is_within(scope)).cloned().collect();
    assert_eq!(hosts(read, scope).await?, expected, "{scope:?}");

    let ids: BTreeSet<_> = expected.iter().map(|host| host.id).collect();
    let within: BTreeSet<_> = read.hosts().within(scope, HOSTS as usize).await?.into_iter().collect();
    assert_eq!(within, ids);
    assert_eq!(standing(read, scope).await?, expected.len() as u64);

    let sees = |job: &Job| scope.is_all() || seen.contains(&job.host);
    for list in [
        JobScope::Fleet,
        JobScope::State(JobState::Running),
        JobScope::Host(host_id(5)),
        JobScope::HostState(host_id(6), JobState::Queued),
        JobScope::Repository(repository_id(1)),
        JobScope::SourceGroup(group_id(1)),
    ] {
        let mut expected = jobs(read, list, &Scope::All).await?;
        expected.retain(sees);
        assert_eq!(jobs(read, list, scope).await?, expected, "{list:?} {scope:?}");
    }
    active(read, scope, sees).await?;
    repositories(read, scope, &seen).await?;

    let mut expected = enrolments(read, &Scope::All).await?;
    expected.retain(|enrolment| enrolment.is_within(scope));
    assert_eq!(enrolments(read, scope).await?, expected, "{scope:?}");
    Ok(())
}

/// Removed hosts too: their history is seen by whoever sees them.
async fn seen_hosts(
    read: &mut dyn Read,
    scope: &Scope,
) -> Result<BTreeSet<restic_manager_proto::HostId>, Error> {
    let mut seen = BTreeSet::new();
    for number in 0..HOSTS {
        let host = read.hosts().find(host_id(number)).await?;
        seen.extend(host.filter(|host| host.is_within(scope)).map(|host| host.id));
    }
    Ok(seen)
}

async fn standing(read: &mut dyn Read, scope: &Scope) -> Result<u64, Error> {
    Ok(read.hosts().standings(scope, Timestamp::MIN).await?.iter().map(|standing| standing.hosts).sum())
}

async fn active(read: &mut dyn Read, scope: &Scope, sees: impl Fn(&Job) -> bool) -> Result<(), Error> {
    let mut tallies = read.jobs().active_tallies(scope).await?;
    tallies.sort_unstable();
    let mut expected = Vec::new();
    for state in [JobState::Queued, JobState::Running] {
        let all = jobs(read, JobScope::State(state), &Scope::All).await?;
        expected.push((state, all.iter().filter(|job| sees(job)).count() as u64));
    }
    expected.retain(|(_, jobs)| *jobs > 0);
    expected.sort_unstable();
    assert_eq!(tallies, expected, "{scope:?}");
    Ok(())
}

async fn repositories(
    read: &mut dyn Read,
    scope: &Scope,
    seen: &BTreeSet<restic_manager_proto::HostId>,
) -> Result<(), Error> {
    let mut shown = BTreeSet::new();
    for number in 1..=4 {
        let there = repository_id(number);
        let all = read.attachments().of_repository(there, &Scope::All).await?;
        let expected: Vec<_> =
            all.into_iter().filter(|row| scope.is_all() || seen.contains(&row.host)).collect();
        assert_eq!(read.attachments().of_repository(there, scope).await?, expected, "{scope:?}");
        assert_eq!(read.attachments().any_within(there, scope).await?, !expected.is_empty());
        if scope.is_all() || !expected.is_empty() {
            shown.insert(there);
        }
    }
    let page = read.repositories().page(scope, PageRequest::first(9)).await?;
    assert_eq!(page.items.iter().map(|row| row.id).collect::<BTreeSet<_>>(), shown, "{scope:?}");
    Ok(())
}

async fn hosts(read: &mut dyn Read, scope: &Scope) -> Result<Vec<Host>, Error> {
    let filter = HostFilter { scope: scope.clone(), ..HostFilter::default() };
    whole(async |request| read.hosts().page(&filter, HostOrder::Name, request).await).await
}

async fn jobs(read: &mut dyn Read, list: JobScope, scope: &Scope) -> Result<Vec<Job>, Error> {
    whole(async |request| read.jobs().page(list, scope, request).await).await
}

async fn enrolments(read: &mut dyn Read, scope: &Scope) -> Result<Vec<Enrolment>, Error> {
    whole(async |request| read.enrolments().page(scope, request).await).await
}

/// All pages of a list, each as long as asked for but the last.
async fn whole<T, K>(
    mut page: impl AsyncFnMut(PageRequest<K>) -> Result<Page<T, K>, Error>,
) -> Result<Vec<T>, Error> {
    const LENGTH: usize = 7;
    let (mut all, mut request) = (Vec::new(), PageRequest::first(LENGTH));
    loop {
        let Page { items, next } = page(request).await?;
        assert!(items.len() == LENGTH || next.is_none(), "a page is shorter than asked for");
        all.extend(items);
        let Some(next) = next else { return Ok(all) };
        request = PageRequest::after(next, LENGTH);
    }
}
