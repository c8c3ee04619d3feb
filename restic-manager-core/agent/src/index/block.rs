//! A block: pieces of folders that follow each other, as the bytes of a file.
//!
//! All folders, then all names, then each other property of all entries: like stands beside like, and deflate makes
//! most of it vanish.

use std::{
    collections::HashMap,
    io::{Read as _, Write as _},
};

use flate2::{Compression, bufread::DeflateDecoder, write::DeflateEncoder};

use super::{
    bytes::{Bytes, Damaged, put, put_after, put_signed},
    cut,
    entry::{Kind, Meta, Moment, Piece},
};

/// What a file begins with: that it is a block, and in which form.
const MAGIC: &[u8; 4] = b"RMB\x01";
/// Least bytes that a folder and an entry take.
const FOLDER_BYTES: usize = 4;
const ENTRY_BYTES: usize = 8;
const LEVEL: u32 = 6;

/// What many entries have alike.
type Owner = (Kind, u16, u32, u32);

/// The file of a block.
#[must_use]
pub fn encode(pieces: &[Piece]) -> Vec<u8> {
    let mut plain = Vec::new();
    put_folders(&mut plain, pieces);
    put_names(&mut plain, pieces);
    put_owners(&mut plain, pieces);
    put_sizes(&mut plain, pieces);
    put_times(&mut plain, pieces);
    let mut file = MAGIC.to_vec();
    put(&mut file, plain.len() as u64);
    let mut deflate = DeflateEncoder::new(file, Compression::new(LEVEL));
    deflate.write_all(&plain).and_then(|()| deflate.finish()).expect("memory takes every byte")
}

/// The pieces of a block.
///
/// # Errors
/// When it is not what [`encode`] makes.
pub fn decode(file: &[u8]) -> Result<Vec<Piece>, Damaged> {
    let plain = inflate(file)?;
    let mut bytes = Bytes(&plain);
    let (mut pieces, counts) = folders(&mut bytes)?;
    names(&mut bytes, &mut pieces, &counts)?;
    owners(&mut bytes, &mut pieces)?;
    sizes(&mut bytes, &mut pieces)?;
    times(&mut bytes, &mut pieces)?;
    bytes.end()?;
    Ok(pieces)
}

fn inflate(file: &[u8]) -> Result<Vec<u8>, Damaged> {
    let mut bytes = Bytes(file.strip_prefix(MAGIC).ok_or(Damaged("it is no block"))?);
    let length: usize = bytes.small()?;
    if length > cut::PLAIN_BYTES {
        return Err(Damaged("it is longer than a block"));
    }
    let mut plain = Vec::new();
    let mut deflated = DeflateDecoder::new(bytes.0);
    let limit = length as u64 + 1;
    let read = (&mut deflated).take(limit).read_to_end(&mut plain);
    let is_whole = deflated.total_in() == bytes.left() as u64;
    match read {
        Ok(read) if read == length && is_whole => Ok(plain),
        _ => Err(Damaged("it does not unpack")),
    }
}

fn put_folders(out: &mut Vec<u8>, pieces: &[Piece]) {
    put(out, pieces.len() as u64);
    let mut before: &[u8] = &[];
    for piece in pieces {
        put_after(out, before, &piece.folder);
        put(out, piece.first);
        put(out, piece.len() as u64);
        before = &piece.folder;
    }
}

fn folders(bytes: &mut Bytes<'_>) -> Result<(Vec<Piece>, Vec<usize>), Damaged> {
    let count = bytes.count(FOLDER_BYTES)?;
    let (mut pieces, mut counts) = (Vec::<Piece>::with_capacity(count), Vec::with_capacity(count));
    let mut weight = 0;
    for _ in 0..count {
        let before = pieces.last().map_or(&[][..], |piece| &piece.folder);
        let (shared, rest) = bytes.after(before.len())?;
        weight += shared + rest.len();
        bounded(weight)?;
        let folder = [&before[..shared], rest].concat();
        pieces.push(Piece::new(folder, bytes.number()?));
        counts.push(bytes.count(ENTRY_BYTES)?);
    }
    Ok((pieces, counts))
}

fn put_names(out: &mut Vec<u8>, pieces: &[Piece]) {
    for piece in pieces {
        let mut before: &[u8] = &[];
        for entry in piece.iter() {
            put_after(out, before, entry.name);
            before = entry.name;
        }
    }
}

fn names(bytes: &mut Bytes<'_>, pieces: &mut [Piece], counts: &[usize]) -> Result<(), Damaged> {
    let mut weight = 0;
    for (piece, count) in pieces.iter_mut().zip(counts) {
        let mut length = 0;
        for _ in 0..*count {
            let (shared, rest) = bytes.after(length)?;
            length = shared + rest.len();
            weight += length;
            bounded(weight)?;
            piece.push_after(shared, rest);
        }
    }
    Ok(())
}

/// Whether texts that share their beginnings are no longer than a block has them.
fn bounded(weight: usize) -> Result<(), Damaged> {
    if weight > cut::PLAIN_BYTES { Err(Damaged("its names are longer than a block")) } else { Ok(()) }
}

const fn owner(meta: &Meta) -> Owner {
    (meta.kind, meta.mode, meta.uid, meta.gid)
}

fn put_owners(out: &mut Vec<u8>, pieces: &[Piece]) {
    let mut places: HashMap<Owner, u64> = HashMap::new();
    let (mut table, mut column) = (Vec::new(), Vec::new());
    for entry in pieces.iter().flat_map(Piece::iter) {
        let next = places.len() as u64;
        let place = *places.entry(owner(entry.meta)).or_insert_with(|| {
            put_owner(&mut table, owner(entry.meta));
            next
        });
        put(&mut column, place);
    }
    put(out, places.len() as u64);
    out.extend_from_slice(&table);
    out.extend_from_slice(&column);
}

fn put_owner(out: &mut Vec<u8>, (kind, mode, uid, gid): Owner) {
    for number in [kind as u32, u32::from(mode), uid, gid] {
        put(out, u64::from(number));
    }
}

fn owners(bytes: &mut Bytes<'_>, pieces: &mut [Piece]) -> Result<(), Damaged> {
    let count = bytes.count(4)?;
    let table = (0..count).map(|_| read_owner(bytes)).collect::<Result<Vec<_>, _>>()?;
    for meta in pieces.iter_mut().flat_map(Piece::metas_mut) {
        let place: usize = bytes.small()?;
        let owner = table.get(place).ok_or(Damaged("it names an owner that it does not have"))?;
        (meta.kind, meta.mode, meta.uid, meta.gid) = *owner;
    }
    Ok(())
}

fn read_owner(bytes: &mut Bytes<'_>) -> Result<Owner, Damaged> {
    let kind: usize = bytes.small()?;
    let kind = *Kind::ALL.get(kind).ok_or(Damaged("it holds a kind that there is not"))?;
    Ok((kind, bytes.small()?, bytes.small()?, bytes.small()?))
}

fn put_sizes(out: &mut Vec<u8>, pieces: &[Piece]) {
    let metas = || pieces.iter().flat_map(Piece::iter).map(|entry| entry.meta);
    metas().filter(|meta| has_size(meta.kind)).for_each(|meta| put(out, meta.size));
    metas().filter(|meta| meta.is_dir()).for_each(|meta| put(out, meta.below));
    metas().filter(|meta| meta.is_dir()).for_each(|meta| out.extend_from_slice(&meta.sum.to_le_bytes()));
}

fn sizes(bytes: &mut Bytes<'_>, pieces: &mut [Piece]) -> Result<(), Damaged> {
    for meta in pieces.iter_mut().flat_map(Piece::metas_mut).filter(|meta| has_size(meta.kind)) {
        meta.size = bytes.number()?;
    }
    for meta in pieces.iter_mut().flat_map(Piece::metas_mut).filter(|meta| meta.is_dir()) {
        meta.below = bytes.number()?;
    }
    for meta in pieces.iter_mut().flat_map(Piece::metas_mut).filter(|meta| meta.is_dir()) {
        meta.sum = u64::from_le_bytes(bytes.array()?);
    }
    Ok(())
}

const fn has_size(kind: Kind) -> bool {
    matches!(kind, Kind::File | Kind::Dir)
}

fn put_times(out: &mut Vec<u8>, pieces: &[Piece]) {
    let times = || pieces.iter().flat_map(Piece::iter).map(|entry| entry.meta.mtime);
    let mut before = 0;
    for time in times() {
        put_signed(out, time.seconds.wrapping_sub(before));
        before = time.seconds;
    }
    times().for_each(|time| out.extend_from_slice(&time.nanoseconds.to_le_bytes()));
}

fn times(bytes: &mut Bytes<'_>, pieces: &mut [Piece]) -> Result<(), Damaged> {
    let mut seconds = 0_i64;
    for meta in pieces.iter_mut().flat_map(Piece::metas_mut) {
        seconds = seconds.wrapping_add(bytes.signed()?);
        meta.mtime = Moment { seconds, nanoseconds: 0 };
    }
    for meta in pieces.iter_mut().flat_map(Piece::metas_mut) {
        meta.mtime.nanoseconds = u32::from_le_bytes(bytes.array()?);
        if meta.mtime.nanoseconds > 999_999_999 {
            return Err(Damaged("a time has more than a second of nanoseconds"));
        }
    }
    Ok(())
}
