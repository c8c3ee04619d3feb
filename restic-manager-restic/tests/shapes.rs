//! Lines that no recording has, or that are worth a name of their own.

use restic_manager_restic::document::{Elements, FindDecoder, FindEvent};
use restic_manager_restic::event::{Action, Limits, NodeKind, Phase, Snapshot};
use restic_manager_restic::exit::{Evidence, Termination};
use restic_manager_restic::{Cause, Decoder, DocumentError, Event, EventRef, redact};

fn event(line: &str) -> Event {
    EventRef::from_line(line.as_bytes()).into_owned()
}

fn variant(line: &str) -> &'static str {
    match event(line) {
        Event::Status(_) => "status",
        Event::VerboseStatus(_) => "verbose status",
        Event::Failure(_) => "failure",
        Event::Node(_) => "node",
        Event::RestoreSummary(_) => "restore summary",
        Event::Document { .. } => "document",
        Event::Text { .. } => "text",
        Event::Unrecognized { .. } => "unrecognized",
        _ => "another",
    }
}

#[test]
fn what_later_versions_may_print_is_kept() {
    let cases = [
        (r#"{"message_type":"excluded_item","item":"/a"}"#, "unrecognized"),
        (r#"{"message_type":"summary","blobs_removed":7}"#, "unrecognized"),
        (r#"{"message_type":"summary"}"#, "restore summary"),
        (r#"{"message_type":"summary","total_files":1,"something_new":{}}"#, "restore summary"),
        (r#"{"message_type":"status","percent_done":1,"something_new":[1,{"a":null}]}"#, "status"),
        (r#"{"percent_done":1,"message_type":"status"}"#, "status"),
        (r#"{ "message_type" : "status" , "percent_done" : 1e-3 }"#, "status"),
        (r#"{"message_type":"status"}"#, "unrecognized"),
        (r#"{"message_type":"status","percent_done":"half"}"#, "unrecognized"),
        (r#"{"message_type":"status","percent_done":1,"percent_done":2}"#, "unrecognized"),
        (r#"{"message_type":"status","percent_done":1,"total_files":-1}"#, "unrecognized"),
        (r#"{"message_type":"status","percent_done":1,"total_files":18446744073709551616}"#, "unrecognized"),
        (r#"{"message_type":7}"#, "unrecognized"),
        (r#"{"message_type":null,"total_size":1}"#, "document"),
        (r#"{"total_size":1,"snapshots_count":2}"#, "document"),
        ("[]", "document"),
        ("[0:00] 100.00%  1 / 1 snapshots", "text"),
        ("{not json}", "text"),
        (r#"{"message_type":"status","percent_done":1"#, "text"),
        (r#"{"message_type":"status","percent_done":1}{}"#, "text"),
        ("", "text"),
        ("\u{1b}[2K{\"message_type\":\"summary\"}", "restore summary"),
        ("\u{1b}[2", "text"),
    ];
    for (line, expected) in cases {
        assert_eq!(variant(line), expected, "{line}");
    }
}

#[test]
fn the_end_of_the_scan_has_the_wrong_type_in_0_14() {
    let line = r#"{"message_type":"status","action":"scan_finished","item":"","duration":0.2,"data_size":132780,"data_size_in_repo":0,"metadata_size":0,"metadata_size_in_repo":0,"total_files":14}"#;
    let Event::VerboseStatus(message) = event(line) else { unreachable!("{line}") };
    assert_eq!((message.action, message.total_files), (Action::ScanFinished, Some(14)));
}

#[test]
fn nonsense_in_progress_is_tamed_and_kept() {
    let line =
        r#"{"message_type":"status","seconds_remaining":4306194175293,"percent_done":69.18,"bytes_done":5}"#;
    let Event::Status(status) = event(line) else { unreachable!("{line}") };
    assert_eq!((status.fraction(), status.percent_done), (1.0, 69.18));
    assert_eq!((status.remaining(), status.seconds_remaining), (None, Some(4_306_194_175_293)));
    assert_eq!(status.bytes_finished(), 5);
}

#[test]
fn words_of_later_versions_are_kept() {
    let line = r#"{"message_type":"verbose_status","action":"teleported","item":"/a","size":3}"#;
    let Event::VerboseStatus(message) = event(line) else { unreachable!("{line}") };
    assert_eq!(message.action, Action::Other("teleported".to_owned()));

    let line = r#"{"name":"a","type":"portal","path":"/a","uid":1,"gid":1,"mode":420,"mtime":"2026-11-22T02:53:44Z","atime":"2026-11-22T02:53:44Z","ctime":"2026-11-22T02:53:44Z","struct_type":"node"}"#;
    let Event::Node(node) = event(line) else { unreachable!("{line}") };
    assert_eq!((node.kind, node.permissions, node.inode), (NodeKind::Other("portal".to_owned()), None, None));
}

#[test]
fn errors_of_every_age_have_a_text() {
    let cases = [
        (r#"{"message":"open /a: permission denied"}"#, "open /a: permission denied"),
        (r#"{"Op":"open","Path":"/a","Err":13}"#, "open /a: permission denied"),
        (r#"{"Op":"read","Path":"/a","Err":9999}"#, "read /a: error number 9999"),
        (r#"{"Op":"dial","Net":"tcp","Source":null,"Err":{"Err":"x"}}"#, "dial"),
        (r#"{"Offset":-1.5,"message":["a",true]}"#, "error without text"),
        ("{}", "error without text"),
        (r#""plain""#, "plain"),
    ];
    for (value, text) in cases {
        let line = format!(r#"{{"message_type":"error","error":{value},"during":"archival","item":"/a"}}"#);
        let Event::Failure(failure) = event(&line) else { unreachable!("{line}") };
        assert_eq!(failure.text(), text, "{value}");
        assert_eq!(failure.during, Some(Phase::Archival), "{value}");
    }
    let Event::Failure(failure) = event(r#"{"message_type":"error","message":"pack is broken\n\n"}"#) else {
        unreachable!("the form of check")
    };
    assert_eq!(failure.text(), "pack is broken");
}

#[test]
fn the_reason_of_an_exit_error_is_one_plain_line() {
    let line = r#"{"message_type":"exit_error","code":1,"message":"Fatal: Fatal: no room\nmain.init\n\tcmd/restic/x.go:1"}"#;
    let Event::ExitError(error) = event(line) else { unreachable!("{line}") };
    assert_eq!((error.code, error.reason()), (1, "no room"));
}

#[test]
fn names_keep_what_go_escaped() {
    let line = r#"{"message_type":"change","path":"/\u003chtml\u003e\u0026\nnew\u2028\ud83c\udf89\ufffd","modifier":"MU"}"#;
    let Event::Change(change) = event(line) else { unreachable!("{line}") };
    assert_eq!(change.path, "/<html>&\nnew\u{2028}\u{1f389}\u{fffd}");
}

#[test]
fn an_overlong_line_keeps_a_whole_head_and_the_next_line_is_read() {
    let limits = Limits::default().with_line_bytes(10).with_head_bytes(5);
    for piece_bytes in 1..20 {
        let mut decoder = Decoder::with_limits(limits);
        let mut events = Vec::new();
        for piece in "abcdäefghijkl\nok\n".as_bytes().chunks(piece_bytes) {
            decoder.push(piece);
            while let Some(event) = decoder.next_event() {
                events.push((event, decoder.last_line().to_vec()));
            }
            assert!(decoder.buffered_bytes() <= 10 + 5 + 20);
        }
        let overlong = Event::Overlong { head: "abcd".to_owned(), cut_bytes: 10 };
        let next = Event::Text { text: "ok".to_owned(), is_lossy: false };
        assert_eq!(events, [(overlong, b"abcd".to_vec()), (next, b"ok".to_vec())], "{piece_bytes}");
    }
}

#[test]
fn bytes_that_are_no_text_are_at_hand() {
    let mut decoder = Decoder::new();
    decoder.push(b"open caf\xe9: gone\r\n");
    let text = "open caf\u{fffd}: gone".to_owned();
    assert_eq!(decoder.next_event(), Some(Event::Text { text, is_lossy: true }));
    assert_eq!(decoder.last_line(), b"open caf\xe9: gone\r");
}

#[test]
fn broken_arrays_end_in_one_error() {
    let mut elements = Elements::with_limit_bytes(20);
    elements.push(br#"[{"a":1},{"long":"aaaaaaaaaaaaaaaaaaaaaaaaaaaa"#);
    assert!(matches!(elements.next_element::<serde_json::Value>(), Some(Ok(_))));
    let too_long = Some(Err(DocumentError::ElementTooLong { limit_bytes: 20 }));
    assert_eq!(elements.next_element::<serde_json::Value>(), too_long);
    assert_eq!(elements.next_element::<serde_json::Value>(), None);
    assert_eq!(elements.finish(), Err(DocumentError::CutOff));

    let mut elements = Elements::new();
    elements.push(b"[{},7]");
    assert!(matches!(elements.next_element::<Snapshot>(), Some(Err(DocumentError::Shape { .. }))));
    assert!(matches!(elements.next_element::<Snapshot>(), Some(Err(DocumentError::Shape { .. }))));
    assert_eq!(elements.next_element::<Snapshot>(), None);
    assert_eq!(Elements::new().finish(), Err(DocumentError::NoJson));
}

#[test]
fn find_in_another_order_is_read_whole() {
    let mut decoder = FindDecoder::new();
    decoder.push(br#"[{"hits":0,"matches":null,"snapshot":"ab"},{"matches":[{"long"#);
    assert!(
        matches!(decoder.next_event(), Some(Ok(FindEvent::Matches(matches))) if matches.snapshot == "ab")
    );
    assert_eq!(decoder.next_event(), None);
    assert_eq!(decoder.finish(), Err(DocumentError::CutOff));

    let mut decoder = FindDecoder::with_limit_bytes(20);
    decoder.push(br#"[{"matches":[{"path":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}]}]"#);
    assert_eq!(decoder.next_event(), Some(Err(DocumentError::ElementTooLong { limit_bytes: 20 })));
    assert_eq!(decoder.next_event(), None);
}

#[test]
fn other_systems_and_storages_are_judged_too() {
    let cases = [
        (
            "Fatal: unable to open config file: CreateFile C:\\repo\\config: The system cannot find the file specified.",
            Cause::RepositoryMissing,
        ),
        (
            "Fatal: unable to open config file: Stat: The specified key does not exist. NoSuchKey",
            Cause::RepositoryMissing,
        ),
        ("Fatal: unable to open config file: Stat: Access Denied.", Cause::Permission),
        (
            "Fatal: unable to save snapshot: write C:\\repo\\data\\aa: There is not enough space on the disk.",
            Cause::OutOfSpace,
        ),
        (
            "Fatal: unable to open repository at sftp:x: ssh: Could not resolve hostname x: Name or service not known",
            Cause::Unreachable,
        ),
        (
            "Fatal: unable to open config file: Head \"https://x/config\": dial tcp: lookup x on 127.0.0.1:53: no such host",
            Cause::Unreachable,
        ),
        (
            "Fatal: unable to open config file: Head \"https://x/config\": tls: failed to verify certificate: x509: unknown authority",
            Cause::Unreachable,
        ),
        ("Fatal: create repository at s3:x failed: client.BucketExists: Access Denied.", Cause::Permission),
        ("panic: runtime error: index out of range", Cause::Crashed),
        ("something nobody has seen", Cause::Other),
    ];
    for (line, cause) in cases {
        let mut evidence = Evidence::new();
        evidence.note_text(line);
        let outcome = evidence.conclude(Termination::Code(1));
        assert_eq!(outcome.cause, cause, "{line}");
        assert!(outcome.message.is_some_and(|message| !message.starts_with("Fatal")), "{line}");
    }
}

#[test]
fn the_caller_knows_best_whether_it_cancelled() {
    let mut evidence = Evidence::new();
    evidence.note_cancelled();
    assert_eq!(evidence.clone().conclude(Termination::Code(1)).cause, Cause::Interrupted);
    assert_eq!(evidence.clone().conclude(Termination::Code(0)).cause, Cause::Success);
    assert_eq!(evidence.conclude(Termination::Signal(9)).cause, Cause::Killed);
}

#[test]
fn a_long_message_is_cut_and_redacted() {
    let mut evidence = Evidence::new();
    evidence.note_text(&format!("Fatal: cannot reach rest:https://joe:secret@x/ {}", "ä".repeat(5000)));
    let message = evidence.conclude(Termination::Code(1)).message.expect("a message");
    assert!(message.len() <= 1000 && message.contains("joe:***@x"), "{message}");
}

#[test]
fn secrets_are_hidden_wherever_they_stand() {
    let cases = [
        ("s3:https://key:sec/ret@s3.example/bucket", "s3:https://key:***@s3.example/bucket"),
        ("rest:http://demo:***@127.0.0.1:8091/", "rest:http://demo:***@127.0.0.1:8091/"),
        ("https://x.blob.example/c?sv=1&sig=abc%2B&se=2", "https://x.blob.example/c?sv=1&sig=***&se=2"),
        ("https://x/?X-Amz-Signature=abc", "https://x/?X-Amz-Signature=***"),
        (
            "RESTIC_PASSWORD=a AWS_SECRET_ACCESS_KEY='b c' B2_ACCOUNT_KEY=d",
            "RESTIC_PASSWORD=*** AWS_SECRET_ACCESS_KEY='***' B2_ACCOUNT_KEY=***",
        ),
        ("RESTIC_PASSWORD_FILE=/etc/pw", "RESTIC_PASSWORD_FILE=/etc/pw"),
        ("Authorization: Basic am9lOnB3 next", "Authorization: *** next"),
        (r#"{"password":"a\"b","user":"joe"}"#, r#"{"password":"***","user":"joe"}"#),
        ("Fatal: wrong password or no key found", "Fatal: wrong password or no key found"),
        ("at 12:30 user@host: no such file", "at 12:30 user@host: no such file"),
        ("sftp:user@host:/repo", "sftp:user@host:/repo"),
    ];
    for (text, redacted) in cases {
        assert_eq!(redact::text(text), redacted);
    }
}

#[test]
fn causes_are_read_as_they_are_written() {
    for cause in Cause::ALL {
        assert_eq!(cause.as_str().parse(), Ok(*cause));
        assert_eq!(serde_json::to_value(cause).expect("JSON"), cause.as_str());
    }
    assert!("of_tomorrow".parse::<Cause>().is_err());
}

#[test]
fn an_event_is_written_with_its_variant() {
    let written =
        serde_json::to_value(event(r#"{"message_type":"change","path":"/a","modifier":"+"}"#)).expect("JSON");
    assert_eq!(written, serde_json::json!({ "event": "change", "path": "/a", "modifier": "+" }));
    let written = serde_json::to_value(event("some text")).expect("JSON");
    assert_eq!(written, serde_json::json!({ "event": "text", "text": "some text", "is_lossy": false }));
}

#[test]
fn a_newer_restic_may_say_more() {
    for (line, expected) in [
        (
            r#"{"name":"a","type":"file","path":"/a","uid":0,"gid":0,"mode":420,"colour":"red","mtime":"2026-11-22T02:53:44Z","atime":"2026-11-22T02:53:44Z","ctime":"2026-11-22T02:53:44Z","message_type":"node","struct_type":"node"}"#,
            "node",
        ),
        (r#"{"message_type":"status","mood":{"good":true},"percent_done":0.5}"#, "status"),
        (
            r#"{"message_type":"status","mood":"good","action":"scan_finished","item":"","duration":0.1,"data_size":1,"data_size_in_repo":1,"metadata_size":1,"metadata_size_in_repo":1,"total_files":1}"#,
            "verbose status",
        ),
        (r#"{"message_type":"status","percent_done":0.5,"message_type":"error"}"#, "unrecognized"),
    ] {
        assert_eq!(variant(line), expected, "{line}");
    }
}

/// An interrupt while restic tries its keys ends with the exit code of a wrong password.
#[test]
fn a_cancelled_run_never_blames_the_password() {
    let mut evidence = Evidence::new();
    evidence.note_text("Fatal: wrong password or no key found");
    assert_eq!(evidence.clone().conclude(Termination::Code(12)).cause, Cause::WrongPassword);
    evidence.note_cancelled();
    assert_eq!(evidence.conclude(Termination::Code(12)).cause, Cause::Interrupted);
}

/// Work that grew with the square of the text would not end here.
#[test]
fn hostile_words_of_a_mebibyte_are_searched_once() {
    const WORDS: [&str; 8] =
        ["://", "a://b:c", "@", "://x:@", "password=***", "password=\"", "token=x&", "= "];
    for word in WORDS {
        let text = word.repeat((1 << 20) / word.len());
        assert!(redact::text(&text).len() <= 2 * text.len());
        assert!(redact::bounded(&text, 1000).len() <= 1000);
    }
    let names = format!("{} = x", "a".repeat(1 << 20));
    assert_eq!(redact::text(&names), names);
}

#[test]
fn many_overlong_lines_in_one_piece_are_cut_one_after_the_other() {
    let stream = format!("{}\n", "x".repeat(200)).repeat(50_000);
    let mut decoder = Decoder::with_limits(Limits::default().with_line_bytes(100).with_head_bytes(20));
    decoder.push(stream.as_bytes());
    let mut count = 0;
    while let Some(event) = decoder.next_event_ref() {
        assert!(matches!(event, EventRef::Overlong { cut_bytes: 180, .. }));
        count += 1;
    }
    assert_eq!((count, decoder.last_line()), (50_000, "x".repeat(20).as_bytes()));
}

#[test]
fn blanks_behind_a_bracket_are_counted_once() {
    let mut elements = Elements::new();
    elements.push(b"[");
    for _ in 0..300_000 {
        elements.push(b" ");
        assert!(elements.next_element::<Snapshot>().is_none());
    }
    elements.push(b"]\n");
    assert!(elements.next_element::<Snapshot>().is_none());
    assert_eq!(elements.finish(), Ok(()));
}
