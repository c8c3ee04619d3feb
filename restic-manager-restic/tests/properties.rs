//! Laws that hold for any input.

use std::sync::LazyLock;

use proptest::prelude::*;
use restic_manager_restic::document::{Elements, FindDecoder};
use restic_manager_restic::event::{Limits, SnapshotRef};
use restic_manager_restic::exit::{Evidence, Termination};
use restic_manager_restic::{Decoder, Event, Timestamp, Version, document, redact};

use crate::corpus::{each, events};
use crate::reference;

/// Recorded lines that are typed events, one of each shape.
static LINES: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let mut shapes = std::collections::BTreeMap::new();
    for (_, _, recording) in each().filter(|(_, _, recording)| !recording.is_data) {
        for (event, line) in
            events(&recording.stdout, 4096).into_iter().chain(events(&recording.stderr, 4096))
        {
            if is_typed(&event) {
                let value: serde_json::Value = serde_json::from_slice(&line).unwrap_or_default();
                let names = value.as_object().map(|object| object.keys().cloned().collect::<Vec<_>>());
                let shape = (format!("{:?}", std::mem::discriminant(&event)), names);
                shapes.entry(shape).or_insert(line);
            }
        }
    }
    shapes.into_values().collect()
});

fn is_typed(event: &Event) -> bool {
    !matches!(
        event,
        Event::Text { .. } | Event::Document { .. } | Event::Unrecognized { .. } | Event::Overlong { .. }
    )
}

/// Recorded output with accidents: bytes replaced, cut out, doubled.
fn damaged_line() -> impl Strategy<Value = Vec<u8>> {
    let accident = (
        any::<prop::sample::Index>(),
        0..4_u8,
        prop::sample::select(b"\"\\{}[]:,0159.-eEnull \n\r\x00\x1b\xff".to_vec()),
    );
    (prop::sample::select(LINES.clone()), prop::collection::vec(accident, 0..4)).prop_map(
        |(mut line, accidents)| {
            for (index, kind, byte) in accidents {
                let at = index.index(line.len().max(1));
                match kind {
                    0 => line.insert(at, byte),
                    1 if at < line.len() => line[at] = byte,
                    2 if at < line.len() => drop(line.remove(at)),
                    _ => line.truncate(at.max(1)),
                }
            }
            line
        },
    )
}

fn any_line() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![4 => damaged_line(), 1 => prop::collection::vec(any::<u8>(), 0..200), 1 => any::<String>().prop_map(String::into_bytes)]
}

fn pieces(stream: &[u8], sizes: &[usize]) -> Vec<(Event, Vec<u8>)> {
    let mut decoder = Decoder::with_limits(Limits::default().with_line_bytes(300).with_head_bytes(20));
    let mut all = Vec::new();
    let mut rest = stream;
    for size in sizes.iter().cycle() {
        let (piece, tail) = rest.split_at((*size).min(rest.len()));
        decoder.push(piece);
        rest = tail;
        if rest.is_empty() {
            decoder.finish();
        }
        while let Some(event) = decoder.next_event() {
            all.push((event, decoder.last_line().to_vec()));
        }
        if rest.is_empty() {
            return all;
        }
    }
    all
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_typed_event_holds_what_serde_reads(line in damaged_line()) {
        prop_assume!(!line.contains(&b'\n'));
        let decoded = events(&line, line.len().max(1));
        for (event, line) in decoded.iter().filter(|(event, _)| is_typed(event)) {
            reference::assert_read_as_serde_does(event, line);
        }
    }

    #[test]
    fn pieces_do_not_matter(lines in prop::collection::vec(any_line(), 0..6), sizes in prop::collection::vec(1..90_usize, 1..8)) {
        let stream = lines.join(&b'\n');
        let whole = pieces(&stream, &[stream.len().max(1)]);
        prop_assert_eq!(pieces(&stream, &sizes), whole);
    }

    #[test]
    fn every_line_has_its_event_and_every_byte_its_place(lines in prop::collection::vec(any_line(), 0..6)) {
        let stream = lines.join(&b'\n');
        let mut bytes = 0;
        let mut count = 0;
        for (event, line) in pieces(&stream, &[64]) {
            bytes += line.len() + 1;
            count += 1;
            if let Event::Overlong { cut_bytes, .. } = event {
                bytes += cut_bytes as usize;
            }
        }
        let ended = usize::from(stream.last() == Some(&b'\n'));
        let expected = if stream.is_empty() { 0 } else { stream.iter().filter(|byte| **byte == b'\n').count() + 1 - ended };
        prop_assert_eq!(count, expected);
        prop_assert_eq!(bytes, if stream.is_empty() { 0 } else { stream.len() + 1 - ended });
    }

    #[test]
    fn memory_stays_within_the_limit(stream in prop::collection::vec(any::<u8>().prop_map(|byte| if byte == b'\n' { b'x' } else { byte }), 0..5000), piece in 1..100_usize) {
        let mut decoder = Decoder::with_limits(Limits::default().with_line_bytes(300).with_head_bytes(20));
        let mut elements = Elements::with_limit_bytes(300);
        let mut find = FindDecoder::with_limit_bytes(300);
        elements.push(b"[{\"a\":\"");
        find.push(b"[{\"matches\":[{\"a\":\"");
        for piece in stream.chunks(piece) {
            decoder.push(piece);
            while decoder.next_event_ref().is_some() {}
            elements.push(piece);
            while elements.next_element::<serde_json::Value>().is_some() {}
            find.push(piece);
            while find.next_event_ref().is_some() {}
            prop_assert!(decoder.buffered_bytes() <= 300 + 20 + 100);
            prop_assert!(elements.buffered_bytes() <= 2 * 300 + 100);
            prop_assert!(find.buffered_bytes() <= 2 * 300 + 100);
        }
    }

    #[test]
    fn nothing_panics(bytes in any_line(), code in any::<i32>()) {
        let mut evidence = Evidence::new();
        for (event, _) in pieces(&bytes, &[7]) {
            evidence.note(&event);
        }
        evidence.conclude(Termination::Code(code));
        document::parse::<serde_json::Value>(&bytes).ok();
        document::ids(&bytes).count();
        Version::from_output(&bytes).ok();
        let text = String::from_utf8_lossy(&bytes);
        text.parse::<Timestamp>().ok();
        redact::text(&text);
    }

    #[test]
    fn elements_do_not_depend_on_pieces(
        texts in prop::collection::vec(any::<String>(), 1..5),
        sizes in prop::collection::vec(1..40_usize, 1..6),
        before in prop::sample::select(vec!["", "text\n", "[0:00] 100.00%  1 / 1 snapshots\n", "\n"]),
    ) {
        let snapshots: Vec<serde_json::Value> = texts.iter().map(|text| serde_json::json!({
            "time": "2026-11-22T02:53:44Z", "tree": text, "paths": [text], "hostname": text, "id": "00", "short_id": "00",
        })).collect();
        // The order of restic's encoder, so that some take the guided way and some, with escapes, the general one.
        let ordered: Vec<String> = texts.iter().map(|text| {
            let text = serde_json::to_string(text).expect("JSON");
            format!("{{\"time\":\"2026-11-22T02:53:44Z\",\"tree\":{text},\"paths\":[{text}],\"hostname\":{text},\"id\":\"00\",\"short_id\":\"00\"}}")
        }).collect();
        let stream = format!("{before}[{}]\n", ordered.join(","));
        let mut elements = Elements::new();
        let mut read = Vec::new();
        let mut rest = stream.as_bytes();
        for size in sizes.iter().cycle() {
            let (piece, tail) = rest.split_at((*size).min(rest.len()));
            elements.push(piece);
            rest = tail;
            while let Some(element) = elements.next_element::<SnapshotRef<'_>>() {
                read.push(element.expect("a snapshot").into_owned());
            }
            if rest.is_empty() {
                break;
            }
        }
        let expected: Vec<restic_manager_restic::event::Snapshot> =
            snapshots.into_iter().map(|snapshot| serde_json::from_value(snapshot).expect("a snapshot")).collect();
        prop_assert_eq!(read, expected);
        prop_assert_eq!(elements.finish(), Ok(()));
    }

    #[test]
    fn times_come_back(seconds in -62_135_596_800_i64..253_402_300_799, nanoseconds in 0..1_000_000_000_u32) {
        let utc = time_text(seconds, nanoseconds);
        let time: Timestamp = utc.parse().expect("a time");
        prop_assert_eq!((time.unix_seconds(), time.nanoseconds()), (seconds, nanoseconds));
        prop_assert_eq!(time.to_string(), utc);
    }

    #[test]
    fn passwords_in_urls_never_show(password in "[a-zA-Z0-9/?#:@%+_-]{4,20}", before in "[a-z ]{0,10}", after in "[a-z ]{0,10}") {
        let text = format!("{before} rest:https://joe:Q{password}Q@backup.example/joe {after}");
        let redacted = redact::text(&text);
        prop_assert!(!redacted.contains(&format!("Q{password}Q")), "{}", redacted);
        prop_assert!(redacted.contains("joe:***@backup.example/joe"), "{}", redacted);
        prop_assert_eq!(redact::text(&redacted), redacted.as_ref());
    }

    /// Wherever a text is cut, no part of a secret stays.
    #[test]
    fn a_cut_shows_no_half_of_a_secret(limit in 0..120_usize, before in "[a-z ]{0,20}") {
        const SECRET: &str = "QZJXQZJXQZJX";
        for text in [
            format!("{before} rest:https://joe:{SECRET}@backup.example/joe and more"),
            format!("{before} AWS_SECRET_ACCESS_KEY={SECRET} and more"),
            format!("{before} password=\"a {SECRET}\" and more"),
            format!("{before} Authorization: Basic {SECRET} and more"),
        ] {
            let bounded = redact::bounded(&text, limit);
            prop_assert!(bounded.len() <= limit && !bounded.contains(&SECRET[..1]), "{}", bounded);
        }
    }
}

/// RFC 3339 by counting days one year and one month at a time.
fn time_text(seconds: i64, nanoseconds: u32) -> String {
    let is_leap = |year: i64| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let (mut days, clock) = (seconds.div_euclid(86_400) + 719_162, seconds.rem_euclid(86_400));
    let mut year = 1 + days / 146_097 * 400;
    days %= 146_097;
    while days >= 365 + i64::from(is_leap(year)) {
        days -= 365 + i64::from(is_leap(year));
        year += 1;
    }
    let mut month = 1;
    for length in [31, 28 + i64::from(is_leap(year)), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] {
        if days < length {
            break;
        }
        days -= length;
        month += 1;
    }
    let fraction = format!("{nanoseconds:09}");
    let fraction = fraction.trim_end_matches('0');
    let point = if fraction.is_empty() { "" } else { "." };
    let (hour, minute, second) = (clock / 3600, clock / 60 % 60, clock % 60);
    format!("{year:04}-{month:02}-{:02}T{hour:02}:{minute:02}:{second:02}{point}{fraction}Z", days + 1)
}
