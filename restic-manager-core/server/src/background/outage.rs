//! Many hosts lose the same at once: one matter, one message, and no more work than the hosts make. The figures are printed;
//! `RM_TEST_HOSTS=10000` asks for more hosts than the ordinary run has.

use core::time::Duration;
use restic_manager_core::notify::{Message, Outcome};
use restic_manager_proto::{
    ChannelId, HostFacts, JobEnd, SourceGroupId,
    vocabulary::{AlertKind, AlertState, Cause, ChannelKind, JobKind, JobState, PresenceMode},
};
use restic_manager_store::{
    PageRequest,
    alerts::{Alert, AlertFilter},
    channels::{Channel, ChannelStanding},
    sqlite::{SqliteOptions, SqliteStore},
};
use std::sync::{Arc, Mutex};
use tokio::time::Instant;

use super::{
    alerts, deliveries,
    fixture::{self, ROUTINE, bytes, group, host, main_repository, new_host, repository},
    notices,
};
use crate::{
    Notifier, NotifierFuture,
    domain::jobs::{Wanted, end::finish, queue::queue},
    parts::Parts,
    server::Server,
};

const MINUTE: Duration = Duration::from_secs(60);
/// As many as one transaction of an agent's reports may well end.
const AT_ONCE: u16 = 50;

#[derive(Default)]
struct Heard(Mutex<Vec<Message>>);

impl Notifier for Heard {
    fn notify<'a>(&'a self, message: &'a Message) -> NotifierFuture<'a> {
        self.0.lock().unwrap().push(message.clone());
        Box::pin(async { Outcome::Delivered })
    }
}

impl Heard {
    fn take(&self) -> Vec<Message> {
        core::mem::take(&mut self.0.lock().unwrap())
    }
}

fn channel() -> Channel {
    Channel {
        id: ChannelId::from_bytes([1; 16]),
        name: "Ops".to_owned(),
        kind: ChannelKind::Custom,
        fields: [("notifier".to_owned(), "heard".to_owned())].into(),
        secrets: Default::default(),
        sealed: None,
        enabled: true,
        standing: ChannelStanding::default(),
        created: restic_manager_proto::Timestamp::from_milliseconds(1),
        version: 1,
    }
}

async fn fleet(server: &Server, hosts: u16) {
    let parts = server.parts();
    let mut tx = parts.store.begin().await.unwrap();
    tx.channels().add(&channel()).await.unwrap();
    tx.repositories().add(&main_repository()).await.unwrap();
    for number in 1..=hosts {
        tx.hosts().enrol(&new_host(number, PresenceMode::AlwaysOn)).await.unwrap();
        tx.hosts().connect(host(number), parts.now(), &HostFacts::default(), None).await.unwrap();
        tx.attachments().attach(host(number), repository(), None).await.unwrap();
        tx.sources().add(&group(number, parts.now())).await.unwrap();
    }
    tx.commit(ROUTINE).await.unwrap();
}

/// A backup of each host fails, because the storage does not answer.
async fn storage_is_lost(parts: &Parts, hosts: u16) {
    let mut end = JobEnd::new(JobState::Failed, Cause::Unreachable);
    end.detail = "dial tcp 192.0.2.7:8000: connect: connection refused".to_owned();
    let numbers: Vec<u16> = (1..=hosts).collect();
    for some in numbers.chunks(usize::from(AT_ONCE)) {
        let mut change = parts.begin().await.unwrap();
        for number in some {
            let wanted = Wanted {
                kind: JobKind::Backup,
                source_group: Some(SourceGroupId::from_bytes(bytes(*number))),
                ..Wanted::check(host(*number), repository())
            };
            let new = wanted.at(&parts.mint, parts.now());
            queue(&mut change, &new).await.unwrap();
            let job = change.jobs().find(new.id).await.unwrap().unwrap();
            assert!(finish(&mut change, &job, parts.now(), &end).await.unwrap());
        }
        change.commit(ROUTINE).await.unwrap();
    }
}

async fn top(parts: &Parts) -> Vec<Alert> {
    let filter = AlertFilter { state: Some(AlertState::Open), ..AlertFilter::default() };
    parts.store.read().await.unwrap().alerts().page(filter, PageRequest::first(50)).await.unwrap().items
}

/// What is told once its time has come.
async fn told(
    server: &Server,
    heard: &Heard,
    clock: &restic_manager_core::clock::ManualClock,
) -> Vec<Message> {
    let parts = server.parts();
    notices::ask_about_all(parts).await.unwrap();
    clock.advance(MINUTE);
    deliveries::send_due(parts).await.unwrap();
    heard.take()
}

/// Seconds of the processor that this process has used.
fn processor_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    let ticks: f64 = fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap();
    ticks / 100.0
}

#[tokio::test]
async fn many_hosts_that_lose_the_same_are_one_message_each_time() {
    let asked = std::env::var("RM_TEST_HOSTS").ok().and_then(|text| text.parse().ok());
    let hosts: u16 = asked.unwrap_or(120);
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(SqliteOptions::new(folder.path().join("db.sqlite"))).await.unwrap();
    let heard = Arc::new(Heard::default());
    let (server, clock) = fixture::server_on(Arc::new(store), Some(Arc::clone(&heard) as _)).await;
    fleet(&server, hosts).await;
    let parts = server.parts();

    let (began, used) = (Instant::now(), processor_seconds());
    storage_is_lost(parts, hosts).await;
    let waiting = parts.store.read().await.unwrap().deliveries().notices(1000).await.unwrap().len();
    let messages = told(&server, &heard, &clock).await;
    println!(
        "{hosts} hosts lost their storage: {:.2} s of processor, {:.2} s; {waiting} notices, {} messages",
        processor_seconds() - used,
        began.elapsed().as_secs_f64(),
        messages.len()
    );
    assert_eq!((waiting, messages.len()), (1, 1));
    assert_eq!(messages[0].title, "main: repository unreachable");
    let open = top(parts).await;
    assert_eq!(open.iter().map(|alert| alert.kind).collect::<Vec<_>>(), [AlertKind::RepositoryUnreachable]);
    let below = parts.store.read().await.unwrap().alerts().below(open[0].id, 20_000).await.unwrap();
    assert_eq!(below.len(), usize::from(hosts));

    // And then they are silent, all of them.
    clock.advance(10 * MINUTE);
    let mut tx = parts.store.begin().await.unwrap();
    tx.hosts().watch_all(parts.now()).await.unwrap();
    tx.commit(ROUTINE).await.unwrap();
    let (began, used) = (Instant::now(), processor_seconds());
    alerts::round(parts).await.unwrap();
    let waiting = parts.store.read().await.unwrap().deliveries().notices(1000).await.unwrap().len();
    let messages = told(&server, &heard, &clock).await;
    println!(
        "{hosts} hosts were silent: {:.2} s of processor, {:.2} s; {waiting} notices, {} messages",
        processor_seconds() - used,
        began.elapsed().as_secs_f64(),
        messages.len()
    );
    // Those before the many were seen to be many were noted one by one, and are told as one.
    assert!(waiting <= 500 && messages.len() == 1, "{waiting} {messages:?}");
    assert_eq!(messages[0].title, "many hosts offline");
    let open = top(parts).await;
    assert_eq!(open[0].kind, AlertKind::ManyHostsOffline);
    assert_eq!(open.len(), 2, "{open:?}");
}
