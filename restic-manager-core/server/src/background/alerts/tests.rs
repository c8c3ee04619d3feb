use super::*;
use restic_manager_core::clock::ManualClock;
use restic_manager_proto::{
    Bandwidth, HostFacts, MaintenanceId, Misfire, ScheduleId, Scope, SnapshotSeen, SourceGroupId, Timestamp,
    UserId,
    vocabulary::{AlertKind, AlertState, NoticeKind, PresenceMode, Severity},
};
use restic_manager_store::{
    PageRequest,
    alerts::{Acknowledgement, AlertFilter, AlertPlace, AlertSubject, NewAlert},
    maintenance::MaintenanceWindow,
    schedules::Schedule,
};

use super::super::fixture::{self, ROUTINE, bytes, group, host, main_repository, new_host, repository};
use crate::server::Server;

const MINUTE: Duration = Duration::from_secs(60);

struct World {
    server: Server,
    clock: Arc<ManualClock>,
}

impl World {
    /// Hosts with a source group each, which a schedule runs at three; it is two o'clock.
    async fn of(hosts: u16, mode: PresenceMode) -> Self {
        let (server, clock) = fixture::server().await;
        let world = Self { server, clock };
        let mut tx = world.parts().store.begin().await.unwrap();
        tx.repositories().add(&main_repository()).await.unwrap();
        for number in 1..=hosts {
            tx.hosts().enrol(&new_host(number, mode)).await.unwrap();
            tx.hosts().connect(host(number), world.now(), &HostFacts::default(), None).await.unwrap();
            tx.attachments().attach(host(number), repository(), None).await.unwrap();
            tx.sources().add(&group(number, world.now())).await.unwrap();
            tx.schedules().add(&nightly(number, world.now())).await.unwrap();
            tx.hosts().watch(host(number), Some(world.now())).await.unwrap();
        }
        tx.commit(ROUTINE).await.unwrap();
        world
    }

    fn parts(&self) -> &Parts {
        self.server.parts()
    }

    fn now(&self) -> Timestamp {
        self.parts().now()
    }

    /// What lasts and has no cause, by kind and severity.
    async fn lasting(&self) -> Vec<(AlertKind, Severity)> {
        let filter = AlertFilter { state: Some(AlertState::Open), ..AlertFilter::default() };
        self.page(filter).await.into_iter().map(|alert| (alert.kind, alert.severity)).collect()
    }

    async fn page(&self, filter: AlertFilter) -> Vec<Alert> {
        let mut read = self.parts().store.read().await.unwrap();
        read.alerts().page(filter, PageRequest::first(50)).await.unwrap().items
    }

    /// How many alerts there ever were of a kind.
    async fn ever(&self, kind: AlertKind) -> Vec<Alert> {
        self.page(AlertFilter { kind: Some(kind), place: AlertPlace::Anywhere, ..AlertFilter::default() })
            .await
    }

    async fn after(&self, time: Duration) -> Vec<(AlertKind, Severity)> {
        self.clock.advance(time);
        round(self.parts()).await.unwrap();
        self.lasting().await
    }

    /// The host's agent is seen again, as a handshake notes it.
    async fn comes(&self, number: u16) {
        let mut change = self.parts().begin().await.unwrap();
        change.hosts().connect(host(number), self.now(), &HostFacts::default(), None).await.unwrap();
        watch::came(&mut change, host(number)).await.unwrap();
        change.commit(ROUTINE).await.unwrap();
    }

    /// It goes at once, as the end of a connection notes it.
    async fn goes(&self, number: u16) {
        let mut change = self.parts().begin().await.unwrap();
        let row = change.hosts().find(host(number)).await.unwrap().unwrap();
        watch::left(&mut change, &row, self.now()).await.unwrap();
        change.commit(ROUTINE).await.unwrap();
    }

    /// A listing shows a snapshot of this moment.
    async fn backs_up(&self, number: u16) {
        let now = self.now();
        let seen = serde_json::json!({ "id": format!("{:064x}", now.as_milliseconds()), "time": now, "tags": ["default"] });
        let seen: SnapshotSeen = serde_json::from_value(seen).unwrap();
        let mut change = self.parts().begin().await.unwrap();
        change.snapshots().record_listing(host(number), repository(), &[seen], now).await.unwrap();
        crate::domain::plan::refresh(change.as_mut(), host(number), now).await.unwrap();
        change.commit(ROUTINE).await.unwrap();
    }
}

fn nightly(number: u16, created: Timestamp) -> Schedule {
    Schedule {
        id: ScheduleId::from_bytes(bytes(number)),
        host: host(number),
        name: "nightly".into(),
        cron: "0 3 * * *".into(),
        zone: "UTC".into(),
        groups: vec![SourceGroupId::from_bytes(bytes(number))],
        enabled: true,
        jitter_seconds: 0,
        misfire: Misfire::default(),
        bandwidth: Bandwidth::default(),
        since: created,
        created,
        version: 1,
    }
}

#[tokio::test]
async fn a_silent_host_is_told_once_its_grace_is_over_and_over_when_it_comes() {
    let world = World::of(1, PresenceMode::AlwaysOn).await;
    assert_eq!(world.after(Duration::ZERO).await, []);
    assert_eq!(world.after(6 * MINUTE).await, [], "90 seconds and 5 minutes");
    let silent = (AlertKind::HostOffline, Severity::Warning);
    assert_eq!(world.after(MINUTE).await, [silent]);
    for _ in 0..3 {
        assert_eq!(world.after(MINUTE).await, [silent]);
    }
    world.comes(1).await;
    assert_eq!(world.lasting().await, [], "in the transaction of its connection");
    let [alert] = &world.ever(AlertKind::HostOffline).await[..] else { panic!("once") };
    assert_eq!((alert.count, alert.resolved), (1, Some(world.now())));
    // It goes again, soon.
    world.goes(1).await;
    assert_eq!(world.after(7 * MINUTE).await, [silent]);
    assert_eq!(world.ever(AlertKind::HostOffline).await.len(), 1, "the same matter");
}

#[tokio::test]
async fn a_host_that_sleeps_is_no_alert() {
    let world = World::of(1, PresenceMode::Intermittent).await;
    assert_eq!(world.after(24 * 60 * MINUTE).await, []);
}

#[tokio::test]
async fn a_backup_that_is_overdue_is_told_until_a_fresh_snapshot_is_seen() {
    let world = World::of(1, PresenceMode::AlwaysOn).await;
    // Half a day after three o'clock; its agent is there all the time.
    let present = async || {
        world.clock.advance(60 * MINUTE);
        world.comes(1).await;
        world.after(Duration::ZERO).await
    };
    for _ in 0..12 {
        assert_eq!(present().await, []);
    }
    assert_eq!(present().await.len(), 1);
    let overdue = [(AlertKind::BackupOverdue, Severity::Critical)];
    assert_eq!(world.after(Duration::ZERO).await, overdue, "there should have been a first one");
    world.backs_up(1).await;
    assert_eq!(world.after(Duration::ZERO).await, []);
    let [alert] = &world.ever(AlertKind::BackupOverdue).await[..] else { panic!("once") };
    assert_eq!(alert.count, 1);
    assert!(alert.summary.contains("web-1/default has no snapshot yet"), "{}", alert.summary);
}

#[tokio::test]
async fn what_a_silent_host_does_not_back_up_stands_below_its_silence() {
    let world = World::of(1, PresenceMode::AlwaysOn).await;
    assert_eq!(world.after(7 * MINUTE).await, [(AlertKind::HostOffline, Severity::Warning)]);
    assert_eq!(world.after(14 * 60 * MINUTE).await, [(AlertKind::HostOffline, Severity::Critical)]);
    let [overdue] = &world.ever(AlertKind::BackupOverdue).await[..] else { panic!("one") };
    assert!(overdue.cause.is_some() && overdue.resolved.is_none());
    // The silence is over, the lack is not.
    world.comes(1).await;
    assert_eq!(world.after(Duration::ZERO).await, [(AlertKind::BackupOverdue, Severity::Critical)]);
    world.backs_up(1).await;
    assert_eq!(world.after(Duration::ZERO).await, []);
}

#[tokio::test]
async fn hosts_that_go_together_are_one_matter() {
    let world = World::of(8, PresenceMode::AlwaysOn).await;
    let many = [(AlertKind::ManyHostsOffline, Severity::Critical)];
    assert_eq!(world.after(7 * MINUTE).await, many);
    let [alert] = &world.ever(AlertKind::ManyHostsOffline).await[..] else { panic!("one") };
    let below = world.parts().store.read().await.unwrap().alerts().below(alert.id, 50).await.unwrap();
    assert_eq!(below.len(), 8);
    for number in 1..8 {
        world.comes(number).await;
        assert_eq!(world.lasting().await, many, "{number} are back");
    }
    world.comes(8).await;
    assert_eq!(world.lasting().await, []);
}

#[tokio::test]
async fn maintenance_explains_silence_and_its_end_does_not() {
    let world = World::of(1, PresenceMode::AlwaysOn).await;
    let now = world.now();
    let window = MaintenanceWindow {
        id: MaintenanceId::from_bytes([1; 16]),
        scope: Scope::All,
        from: now,
        until: now.after(60 * MINUTE),
        reason: "disks".into(),
        created: now,
        created_by: UserId::from_bytes([1; 16]),
    };
    let mut tx = world.parts().store.begin().await.unwrap();
    tx.maintenance().add(&window).await.unwrap();
    tx.commit(ROUTINE).await.unwrap();
    for _ in 0..5 {
        assert_eq!(world.after(11 * MINUTE).await, []);
    }
    assert_eq!(world.after(5 * MINUTE).await, [(AlertKind::HostOffline, Severity::Warning)]);
}

#[tokio::test]
async fn what_is_taken_on_for_a_time_is_open_again_after_it() {
    let world = World::of(1, PresenceMode::AlwaysOn).await;
    world.after(7 * MINUTE).await;
    let [alert] = &world.ever(AlertKind::HostOffline).await[..] else { panic!("one") };
    let how = Acknowledgement {
        by: UserId::from_bytes([1; 16]),
        at: world.now(),
        reason: "it is moved".into(),
        until: Some(world.now().after(60 * MINUTE)),
    };
    let mut tx = world.parts().store.begin().await.unwrap();
    assert!(tx.alerts().acknowledge(alert.id, &how).await.unwrap());
    tx.commit(ROUTINE).await.unwrap();
    assert_eq!(world.after(59 * MINUTE).await, []);
    assert_eq!(world.after(MINUTE).await, [(AlertKind::HostOffline, Severity::Warning)]);
}

#[tokio::test]
async fn a_round_with_nothing_due_looks_at_no_host() {
    let world = World::of(3, PresenceMode::Intermittent).await;
    world.after(Duration::ZERO).await;
    let due = async |at| world.parts().store.read().await.unwrap().hosts().to_watch(at, 9).await.unwrap();
    assert_eq!(due(world.now().after(6 * 24 * 60 * MINUTE)).await, [], "until the first could be overdue");
    assert_eq!(due(world.now().after(9 * 24 * 60 * MINUTE)).await.len(), 3);
}

#[tokio::test]
async fn agents_that_are_older_than_the_server_are_told_and_many_are_one_matter() {
    let world = World::of(6, PresenceMode::Intermittent).await;
    let mut facts = HostFacts::default();
    let describes = async |number: u16, facts: &HostFacts| {
        let mut change = world.parts().begin().await.unwrap();
        change.hosts().describe(host(number), facts).await.unwrap();
        change.hosts().watch_by(host(number), world.now()).await.unwrap();
        change.commit(ROUTINE).await.unwrap();
    };
    facts.agent_version = "0.0.9".to_owned();
    describes(1, &facts).await;
    let old = (AlertKind::AgentOutdated, Severity::Info);
    assert_eq!(world.after(Duration::ZERO).await, [old]);
    for number in 2..=6 {
        describes(number, &facts).await;
    }
    assert_eq!(world.after(MINUTE).await, [(AlertKind::ManyAgentsOutdated, Severity::Info)]);
    facts.agent_version = env!("CARGO_PKG_VERSION").to_owned();
    for number in 1..=6 {
        describes(number, &facts).await;
    }
    assert_eq!(world.after(MINUTE).await, []);
}

/// What routes have yet to be asked about, which is taken away.
async fn heard(world: &World) -> Vec<NoticeKind> {
    let mut change = world.parts().begin().await.unwrap();
    let notices = change.deliveries().notices(50).await.unwrap();
    for notice in &notices {
        change.deliveries().forget(notice.id).await.unwrap();
    }
    change.commit(ROUTINE).await.unwrap();
    notices.into_iter().map(|notice| notice.event).collect()
}

#[tokio::test]
async fn what_nobody_takes_on_is_told_again_once_a_day() {
    let world = World::of(1, PresenceMode::AlwaysOn).await;
    let day = 24 * 60 * MINUTE;
    let mut change = world.parts().begin().await.unwrap();
    let about = AlertSubject::new("host", host(1));
    let finding = |moment| {
        let found = alerts::found(
            world.parts(),
            AlertKind::ClockSkew,
            about.clone(),
            "web-1",
            "It is off.",
            serde_json::Value::Null,
        );
        NewAlert { moment, ..found }
    };
    change.hosts().watch(host(1), None).await.unwrap();
    alerts::raise(&mut change, &finding(world.now())).await.unwrap();
    change.commit(ROUTINE).await.unwrap();
    assert_eq!(heard(&world).await, [NoticeKind::Raised]);
    world.after(day - MINUTE).await;
    assert_eq!(heard(&world).await, []);
    for _ in 0..2 {
        world.after(MINUTE).await;
        assert_eq!(heard(&world).await, [NoticeKind::Reminder]);
        world.after(MINUTE).await;
        assert_eq!(heard(&world).await, [], "once");
        world.after(day - 2 * MINUTE).await;
    }
    let id = world.ever(AlertKind::ClockSkew).await[0].id;
    let mut change = world.parts().begin().await.unwrap();
    let how = Acknowledgement {
        by: UserId::from_bytes([1; 16]),
        at: world.now(),
        reason: String::new(),
        until: Some(world.now().after(3 * day)),
    };
    assert!(change.alerts().acknowledge(id, &how).await.unwrap());
    change.commit(ROUTINE).await.unwrap();
    world.after(2 * day).await;
    assert_eq!(heard(&world).await, [], "somebody takes care of it");
    world.after(day).await;
    assert_eq!(heard(&world).await, [NoticeKind::Raised], "it lapsed");
    let mut change = world.parts().begin().await.unwrap();
    alerts::resolve(&mut change, AlertKind::ClockSkew, &about).await.unwrap();
    change.commit(ROUTINE).await.unwrap();
    world.after(2 * day).await;
    assert_eq!(heard(&world).await, [NoticeKind::Resolved]);
}
