//! What only shows when there are many: hosts that wait for each other, lists that are cut, pages that are open at once.

use futures_util::{StreamExt as _, stream};
use http::StatusCode;
use restic_manager_proto::{
    api::{Page, hosts::Host, jobs::Job},
    vocabulary::{Cause, Health, JobState},
};
use serde_json::json;
use std::collections::BTreeMap;

use crate::fleet::{Fleet, failed, good};

const HOSTS: usize = 50;
const AT_ONCE: usize = 3;

async fn fleet() -> Fleet {
    Fleet::of(u16::try_from(HOSTS).unwrap()).await
}

/// Each host asks for its backup after the one before.
async fn backups(fleet: &Fleet) -> Vec<Job> {
    let mut jobs = Vec::new();
    for host in 0..HOSTS {
        jobs.push(fleet.backup(host).await);
    }
    jobs
}

async fn allow_at_once(fleet: &Fleet, parallel: usize) {
    let version = fleet.repository().await.version;
    let path = format!("/api/v1/repositories/{}/upkeep", fleet.repository);
    fleet.admin.put(&path, Some(version), json!({ "parallel": parallel })).await.expect(StatusCode::OK);
}

#[tokio::test]
async fn backups_to_one_repository_start_in_order_and_all_end() {
    let mut fleet = fleet().await;
    allow_at_once(&fleet, AT_ONCE).await;
    let jobs = backups(&fleet).await;
    for host in 0..HOSTS {
        if let Some(before) = host.checked_sub(AT_ONCE) {
            assert_eq!(fleet.job(jobs[host].id).await.state, JobState::Queued, "host {host}");
            fleet.ends(before, jobs[before].id, good()).await;
        }
        assert_eq!(fleet.begins(host).await.job, jobs[host].id, "host {host}");
    }
    for host in HOSTS - AT_ONCE..HOSTS {
        fleet.ends(host, jobs[host].id, good()).await;
    }
    for job in &jobs {
        assert_eq!(fleet.job(job.id).await.state, JobState::Succeeded);
    }
}

/// All hosts of a filter, read in pages.
async fn listed(fleet: &Fleet, filter: &str) -> Vec<Host> {
    let first = format!("/api/v1/hosts?limit=7{filter}");
    let (mut hosts, mut path) = (Vec::new(), first.clone());
    loop {
        let page: Page<Host> = fleet.admin.get(&path).await.expect(StatusCode::OK).json();
        assert!(page.items.len() <= 7);
        hosts.extend(page.items);
        match page.next {
            Some(next) => path = format!("{first}&after={next}"),
            None => return hosts,
        }
    }
}

#[tokio::test]
async fn each_health_has_its_hosts_and_none_is_lost_between_pages() {
    let mut fleet = fleet().await;
    allow_at_once(&fleet, HOSTS).await;
    let jobs = backups(&fleet).await;
    for host in 0..HOSTS {
        fleet.begins(host).await;
        let end = if host % 3 == 0 { failed(Cause::Unreachable) } else { good() };
        fleet.ends(host, jobs[host].id, end).await;
    }
    let mut found = BTreeMap::new();
    for health in [Health::Good, Health::Unknown, Health::Failing, Health::Overdue] {
        for host in listed(&fleet, &format!("&health={health}")).await {
            assert_eq!(host.health, health);
            assert!(found.insert(host.id, health).is_none(), "{} is listed twice", host.name);
        }
    }
    let all = listed(&fleet, "").await;
    assert_eq!(all.len(), HOSTS);
    assert!(all.iter().all(|host| found.get(&host.id) == Some(&host.health)));
    assert_eq!(found.values().filter(|health| **health == Health::Failing).count(), HOSTS.div_ceil(3));
    let names: Vec<_> = all.iter().map(|host| host.name.clone()).collect();
    assert!(names.is_sorted(), "{names:?}");
    assert_eq!(listed(&fleet, "&text=web-4").await.len(), 11, "web-4 and web-40 to web-49");
}

/// A page of a host makes several requests, and all open pages make them at the same moment.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixty_four_looks_at_a_host_by_sixteen_are_all_answered() {
    let fleet = Fleet::of(1).await;
    let path = format!("/api/v1/hosts/{}", fleet.hosts[0].persona.host);
    let looks = stream::iter(0..64).map(|_| fleet.admin.get(&path));
    let answers: Vec<_> = looks.buffer_unordered(16).collect().await;
    assert_eq!(answers.len(), 64);
    answers.iter().for_each(|answer| {
        answer.expect(StatusCode::OK);
    });
}
