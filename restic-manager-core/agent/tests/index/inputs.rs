//! What must hold for any input, as functions: the fuzz target calls them with what it makes up, the ordinary tests with the
//! inputs kept in `fuzz/corpus`.

use std::collections::HashMap;

use restic_manager_agent::index::{
    Catalogue, IndexError, Listing, Sink, SnapshotKey, Totals, decode, encode,
};
use restic_manager_crypto::ContentDigest;
use restic_manager_proto::RepositoryId;

/// All laws.
pub(crate) fn hold(input: &[u8]) {
    block(input);
    block(&packed(input));
    catalogue(input);
    listing(input);
}

/// No file makes a decoder panic, and what reads reads again as it is written.
fn block(file: &[u8]) {
    if let Ok(pieces) = decode(file) {
        assert_eq!(decode(&encode(&pieces)).as_ref(), Ok(&pieces));
    }
}

/// The same with a digest that is right.
fn catalogue(content: &[u8]) {
    let file = [content, ContentDigest::of(content).as_bytes()].concat();
    if let Ok(catalogue) = Catalogue::decode(&file) {
        assert_eq!(Catalogue::decode(&catalogue.encode()).as_ref(), Ok(&catalogue));
    }
}

/// No listing makes the reader panic, in whatever pieces it comes, and all come to the same end.
fn listing(text: &[u8]) {
    let (first, second) = text.split_at(text.len() / 2);
    assert_eq!(read(&[text]), read(&[first, second]));
}

/// Counts entries and keeps nothing.
#[derive(Debug, Default)]
struct Kept(HashMap<ContentDigest, usize>);

impl Sink for Kept {
    fn keep(&mut self, file: &[u8]) -> Result<ContentDigest, IndexError> {
        assert!(decode(file).is_ok(), "what is written reads");
        *self.0.entry(ContentDigest::of(file)).or_default() += 1;
        Ok(ContentDigest::of(file))
    }
}

fn read(pieces: &[&[u8]]) -> Result<Totals, String> {
    let snapshot = "ab".repeat(32).parse().expect("an id");
    let key = SnapshotKey { repository: RepositoryId::from_bytes([1; 16]), snapshot };
    let mut listing = Listing::new(key, Kept::default());
    let pushed = pieces.iter().try_for_each(|piece| listing.push(piece));
    let ended = pushed.and_then(|()| listing.finish());
    ended.map(|(catalogue, _)| catalogue.totals).map_err(|error| error.to_string())
}

/// A block with this content, not deflated.
fn packed(content: &[u8]) -> Vec<u8> {
    let mut file = b"RMB\x01".to_vec();
    let mut length = content.len();
    while length > 0x7f {
        file.push(length as u8 | 0x80);
        length >>= 7;
    }
    file.push(length as u8);
    let mut parts = content.chunks(0xffff).peekable();
    while let Some(part) = parts.next() {
        file.push(u8::from(parts.peek().is_none()));
        let length = part.len() as u16;
        file.extend_from_slice(&length.to_le_bytes());
        file.extend_from_slice(&(!length).to_le_bytes());
        file.extend_from_slice(part);
    }
    file
}
