//! What must hold for any input, as functions: the fuzz targets call them with what they make up, the ordinary tests
//! with the inputs kept in `fuzz/corpus`.

use restic_manager_restic::document::{
    self, Elements, FindDecoder, FindEvent, ForgetGroup, Key, Stats, Tree,
};
use restic_manager_restic::event::{Limits, Snapshot};
use restic_manager_restic::exit::{Evidence, Outcome, Termination};
use restic_manager_restic::{Decoder, DocumentError, Event, Timestamp, Version, redact};
use serde_json::{Map, Value};

use super::reference;

const LIMITS: (usize, usize) = (2000, 50);

/// The first byte says how the rest is cut into pieces.
pub(crate) fn decoder(input: &[u8]) {
    let Some((piece_bytes, stream)) = input.split_first() else { return };
    let whole = events(stream, stream.len().max(1));
    let cut = events(stream, usize::from(*piece_bytes).max(1));
    assert_eq!(cut, whole, "pieces matter");

    let mut evidence = Evidence::new();
    let mut bytes = 0;
    for (event, line) in &whole {
        evidence.note(event);
        bytes += line.len() + 1;
        match event {
            Event::Overlong { cut_bytes, .. } => bytes += *cut_bytes as usize,
            Event::Text { .. } | Event::Document { .. } | Event::Unrecognized { .. } => {}
            typed => reference::assert_read_as_serde_does(typed, line),
        }
    }
    let last_end = usize::from(!stream.is_empty() && stream.last() != Some(&b'\n'));
    assert_eq!(bytes, stream.len() + last_end, "a byte was lost");
    let outcome = evidence.conclude(Termination::Code(i32::from(*piece_bytes)));
    assert!(outcome.message.is_none_or(|message| message.len() <= Outcome::MESSAGE_BYTES));
}

fn events(stream: &[u8], piece_bytes: usize) -> Vec<(Event, Vec<u8>)> {
    let (line_bytes, head_bytes) = LIMITS;
    let limits = Limits::default().with_line_bytes(line_bytes).with_head_bytes(head_bytes);
    let mut decoder = Decoder::with_limits(limits);
    let mut all = Vec::new();
    let mut pieces = stream.chunks(piece_bytes).peekable();
    loop {
        let piece = pieces.next().unwrap_or_default();
        decoder.push(piece);
        if pieces.peek().is_none() {
            decoder.finish();
        }
        while let Some(event) = decoder.next_event() {
            all.push((event, decoder.last_line().to_vec()));
        }
        assert!(decoder.buffered_bytes() <= 2 * (line_bytes + head_bytes + piece.len()));
        if pieces.peek().is_none() {
            return all;
        }
    }
}

/// The first byte says how the rest is cut into pieces.
pub(crate) fn document(input: &[u8]) {
    let Some((piece_bytes, stream)) = input.split_first() else { return };
    document::parse::<Vec<Snapshot>>(stream).ok();
    document::parse::<Vec<ForgetGroup>>(stream).ok();
    document::parse::<Vec<Key>>(stream).ok();
    document::parse::<Stats>(stream).ok();
    document::parse::<Tree>(stream).ok();
    document::ids(stream).count();

    let piece_bytes = usize::from(*piece_bytes).max(1);
    let (whole, end) = elements(stream, stream.len().max(1));
    assert_eq!(elements(stream, piece_bytes), (whole.clone(), end.clone()), "pieces matter");
    assert_eq!(found(stream, piece_bytes), found(stream, stream.len().max(1)), "pieces matter");
    if stream.first() == Some(&b'[')
        && let Ok(objects) = serde_json::from_slice::<Vec<Map<String, Value>>>(stream)
    {
        let expected: Vec<Option<Snapshot>> =
            objects.iter().map(|object| serde_json::from_value(Value::Object(object.clone())).ok()).collect();
        // A field that stands twice is refused in a typed element and merged in a map.
        let read: Vec<Option<Snapshot>> = whole.into_iter().map(Result::ok).collect();
        assert_eq!(read.len(), expected.len());
        assert!(read.iter().zip(&expected).all(|(read, expected)| read.is_none() || read == expected));
        assert_eq!(end, Ok(()));
    }
}

type Read<T> = (Vec<Result<T, DocumentError>>, Result<(), DocumentError>);

fn elements(stream: &[u8], piece_bytes: usize) -> Read<Snapshot> {
    let mut elements = Elements::with_limit_bytes(LIMITS.0);
    let mut read = Vec::new();
    for piece in stream.chunks(piece_bytes) {
        elements.push(piece);
        while let Some(element) = elements.next_element() {
            read.push(element);
        }
    }
    (read, elements.finish())
}

fn found(stream: &[u8], piece_bytes: usize) -> Read<FindEvent> {
    let mut decoder = FindDecoder::with_limit_bytes(LIMITS.0);
    let mut read = Vec::new();
    for piece in stream.chunks(piece_bytes) {
        decoder.push(piece);
        while let Some(event) = decoder.next_event() {
            read.push(event);
        }
    }
    (read, decoder.finish())
}

pub(crate) fn version(input: &[u8]) {
    if let Ok(version) = Version::from_output(input) {
        let again: Version = version.to_string().parse().expect("what was read can be written");
        assert_eq!((&again, again.suffix()), (&version, version.suffix()));
    }
    let text = String::from_utf8_lossy(input);
    if let Ok(time) = text.parse::<Timestamp>() {
        assert_eq!(time.to_string().parse(), Ok(time));
    }
    redact::text(&text);
}
