mod answer;
mod digest;
mod guard;
mod message;
mod route;
mod shape;

use restic_manager_proto::{
    AlertId, Timestamp,
    vocabulary::{AlertKind, NoticeKind, Severity},
};

use super::Item;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_milliseconds(1_795_316_400_000 + seconds * 1000)
}

fn item(number: u8, event: NoticeKind) -> Item {
    Item {
        alert: AlertId::from_bytes([number; 16]),
        kind: AlertKind::CheckFailed,
        severity: Severity::Critical,
        event,
        subject: format!("nas-{number}"),
        summary: "the check found <damage> & \"more\"".to_owned(),
        since: at(0),
    }
}
