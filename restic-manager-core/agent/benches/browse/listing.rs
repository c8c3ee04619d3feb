//! Listings as restic prints them, made up while they are read, so that they take no memory.

use std::{fmt::Write as _, path::Path};

use restic_manager_agent::index::{Kind, Meta, Moment};

/// Bytes handed over at once, as a pipe does.
const CHUNK_BYTES: usize = 64 * 1024;

/// An entry of a listing.
pub(crate) struct Made {
    pub(crate) path: String,
    pub(crate) meta: Meta,
}

/// A number that looks random and depends on another alone.
pub(crate) const fn scattered(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// What is known of the entry with a number: a size of up to a MiB, a time to the nanosecond, one of three owners.
pub(crate) fn meta(kind: Kind, number: u64) -> Meta {
    let mtime = Moment {
        seconds: 1_700_000_000 + (scattered(number) % 50_000_000) as i64,
        nanoseconds: (scattered(number ^ 1) % 1_000_000_000) as u32,
    };
    let size = if kind == Kind::File { scattered(number ^ 2) >> (44 + number % 12) } else { 0 };
    let uid = 1000 + (number / 5000 % 3) as u32;
    let mode = if kind == Kind::Dir { 0o755 } else { 0o644 };
    Meta { mode, uid, gid: uid, size, mtime, ..Meta::new(kind) }
}

/// Homes of people: 24 files in each folder, ten folders in each folder above.
pub(crate) fn homes(entries: u64) -> impl Iterator<Item = Made> {
    const FILES: u64 = 24;
    let top = ["home", "home/team"].map(|path| Made { path: format!("/{path}"), meta: meta(Kind::Dir, 0) });
    let folders = (0..entries / (FILES + 1)).flat_map(|folder| {
        let (project, part) = (folder / 10, folder % 10);
        let above = format!("/home/team/project-{project:06}");
        let path = format!("{above}/part-{part}");
        let opened = (part == 0).then(|| Made { path: above, meta: meta(Kind::Dir, project) });
        let this = Made { path: path.clone(), meta: meta(Kind::Dir, folder) };
        let files = (0..FILES).map(move |file| {
            let number = folder * FILES + file;
            let ending = ["pdf", "txt", "jpg", "rs"][(scattered(number) % 4) as usize];
            let path = format!("{path}/{file:02} {:04x} report.{ending}", scattered(number) as u16);
            Made { path, meta: meta(Kind::File, number) }
        });
        opened.into_iter().chain([this]).chain(files)
    });
    top.into_iter().chain(folders)
}

/// One folder with everything in it.
pub(crate) fn one_folder(entries: u64) -> impl Iterator<Item = Made> {
    let top = Made { path: "/spool".to_owned(), meta: meta(Kind::Dir, 0) };
    let files = (0..entries)
        .map(|number| Made { path: format!("/spool/msg-{number:08}.eml"), meta: meta(Kind::File, number) });
    [top].into_iter().chain(files)
}

/// A folder of this machine, as it is.
#[cfg(unix)]
pub(crate) fn real(folder: &Path, all: &mut Vec<Made>) {
    use std::os::unix::fs::MetadataExt as _;
    let Ok(metadata) = std::fs::symlink_metadata(folder) else { return };
    let Some(path) = folder.to_str() else { return };
    let kind = match metadata.file_type() {
        kind if kind.is_dir() => Kind::Dir,
        kind if kind.is_symlink() => Kind::Symlink,
        _ => Kind::File,
    };
    let mtime = Moment { seconds: metadata.mtime(), nanoseconds: metadata.mtime_nsec() as u32 };
    let size = if kind == Kind::File { metadata.len() } else { 0 };
    let mode = (metadata.mode() & 0o7777) as u16;
    let (uid, gid) = (metadata.uid(), metadata.gid());
    let meta = Meta { mode, uid, gid, size, mtime, ..Meta::new(kind) };
    all.push(Made { path: path.to_owned(), meta });
    if kind == Kind::Dir {
        let mut names: Vec<_> = std::fs::read_dir(folder)
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.file_name())
            .collect();
        names.sort();
        names.into_iter().for_each(|name| real(&folder.join(name), all));
    }
}

#[cfg(not(unix))]
pub(crate) fn real(_: &Path, _: &mut Vec<Made>) {}

/// Shows a listing in pieces: the line of the snapshot, and a line for each entry.
pub(crate) fn show(id: &str, entries: impl Iterator<Item = Made>, mut see: impl FnMut(&[u8])) {
    let mut chunk = format!(
        "{{\"time\":\"2026-11-22T02:53:44.7Z\",\"tree\":\"{id}\",\"paths\":[\"/\"],\"hostname\":\"web-1\",\
         \"id\":\"{id}\",\"short_id\":\"{}\",\"message_type\":\"snapshot\",\"struct_type\":\"snapshot\"}}\n",
        &id[..8]
    );
    for entry in entries {
        line(&mut chunk, &entry);
        if chunk.len() >= CHUNK_BYTES {
            see(chunk.as_bytes());
            chunk.clear();
        }
    }
    see(chunk.as_bytes());
}

fn line(out: &mut String, Made { path, meta }: &Made) {
    let name = path.rsplit('/').next().unwrap_or_default();
    let (kind, go) = match meta.kind {
        Kind::Dir => ("dir", 1_u32 << 31),
        Kind::Symlink => ("symlink", 1 << 27),
        _ => ("file", 0),
    };
    let time = restic_time(meta.mtime);
    let size = if meta.kind == Kind::File { format!("\"size\":{},", meta.size) } else { String::new() };
    let written = writeln!(
        out,
        "{{\"name\":\"{name}\",\"type\":\"{kind}\",\"path\":\"{path}\",\"uid\":{},\"gid\":{},{size}\"mode\":{},\
         \"permissions\":\"-rw-r--r--\",\"mtime\":\"{time}\",\"atime\":\"{time}\",\"ctime\":\"{time}\",\
         \"inode\":12345678,\"message_type\":\"node\",\"struct_type\":\"node\"}}",
        meta.uid,
        meta.gid,
        go | u32::from(meta.mode & 0o777),
    );
    written.expect("memory takes every byte");
}

/// A time of day in November 2026: a text of the usual length, which is what costs.
fn restic_time(time: Moment) -> String {
    let seconds = time.seconds.rem_euclid(86_400 * 28);
    let (day, clock) = (1 + seconds / 86_400, seconds % 86_400);
    let (hour, minute, second) = (clock / 3600, clock / 60 % 60, clock % 60);
    format!("2026-11-{day:02}T{hour:02}:{minute:02}:{second:02}.{:09}Z", time.nanoseconds)
}
