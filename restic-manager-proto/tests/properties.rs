//! Laws.

use proptest::prelude::*;
use restic_manager_proto::{
    HostId, LogLine, Opaque, OutboxId, Timestamp, VersionRange,
    agent::{Hello, Intent, Message, Report, ReportItem},
    frame::{Frame, Payload},
    session::{Limits, Output, Session},
    vocabulary::LogStream,
};

fn timestamp() -> impl Strategy<Value = Timestamp> {
    any::<i64>().prop_map(Timestamp::from_milliseconds)
}

fn json() -> impl Strategy<Value = String> {
    let words = "hello|challenge|proof|welcome|pending|refusal|heartbeat|reply|job\\.start|job\\.cancel|acknowledge|report|x";
    (words, any::<u32>(), ".{0,60}").prop_map(|(kind, id, rest)| {
        format!(r#"{{"type":"{kind}","id":{id},"body":{}}}"#, serde_json::Value::String(rest))
    })
}

proptest! {
    #[test]
    fn a_moment_reads_as_it_is_written(moment in timestamp()) {
        prop_assert_eq!(moment.to_string().parse(), Ok(moment));
        let text = serde_json::to_string(&moment).unwrap();
        prop_assert_eq!(serde_json::from_str::<Timestamp>(&text).unwrap(), moment);
    }

    #[test]
    fn an_id_keeps_its_moment_and_order(a in 0_i64..200_000_000_000_000, b in 0_i64..200_000_000_000_000, entropy: [u8; 10]) {
        let (first, second) = (Timestamp::from_milliseconds(a), Timestamp::from_milliseconds(b));
        let (x, y) = (HostId::from_parts(first, entropy), HostId::from_parts(second, entropy));
        prop_assert_eq!(first.cmp(&second), x.cmp(&y));
        prop_assert_eq!(x.to_string().parse(), Ok(x));
    }

    #[test]
    fn agreement_is_mutual_and_within_both(a in 0_u16..9, b in 0_u16..9, c in 0_u16..9, d in 0_u16..9) {
        let (x, y) = (VersionRange { min: a.min(b), max: a.max(b) }, VersionRange { min: c.min(d), max: c.max(d) });
        prop_assert_eq!(x.agree(y), y.agree(x));
        match x.agree(y) {
            Some(version) => prop_assert!((x.min..=x.max).contains(&version) && (y.min..=y.max).contains(&version)),
            None => prop_assert!(x.max < y.min || y.max < x.min),
        }
    }

    #[test]
    fn any_log_text_survives_the_wire(texts in prop::collection::vec(any::<String>(), 0..20), first: u64, moment in timestamp()) {
        let lines = texts.into_iter().zip(1..)
            .map(|(text, sequence)| LogLine { sequence, at: moment, stream: LogStream::Stdout, text })
            .collect();
        let id = OutboxId::from_parts(Timestamp::from_milliseconds(0), [0; 10]);
        let job = restic_manager_proto::JobId::from_parts(moment, [1; 10]);
        let report = Report::new(id, first, vec![ReportItem::JobLog { job, lines, dropped: 0 }]);
        let frame = Frame::new(1, Payload::Message(Message::Report(report)));
        prop_assert_eq!(Frame::decode(&frame.encode().unwrap()), Ok(frame));
    }

    #[test]
    fn any_bytes_survive_the_wire(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let opaque = Opaque::new(bytes);
        let text = serde_json::to_string(&opaque).unwrap();
        prop_assert_eq!(serde_json::from_str::<Opaque>(&text).unwrap(), opaque);
    }

    #[test]
    fn no_text_upsets_a_session(texts in prop::collection::vec(prop_oneof![any::<String>(), json()], 0..8)) {
        let now = Timestamp::from_milliseconds(0);
        let key = || Opaque::new([1; 32]);
        let hello = Hello::new(Intent::Enrol {}, key(), key(), key(), "1");
        for mut session in [Session::accept(now, Limits::default()), Session::connect(now, hello, Limits::default())] {
            let mut closed = false;
            for text in &texts {
                session.receive(now, text);
                session.expire(now);
                while let Some(output) = session.poll() {
                    prop_assert!(!closed, "something follows the end");
                    closed = matches!(output, Output::Close(_));
                }
                prop_assert_eq!(session.deadline().is_none(), closed);
            }
        }
    }
}
