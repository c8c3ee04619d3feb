use std::fmt::Write;

/// Made-up output in the very shape of restic 0.19.
pub(crate) struct Stream {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) bytes: Vec<u8>,
    /// Lines, or elements of the one line.
    pub(crate) lines: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Messages,
    Nodes,
    Snapshots,
}

const BYTES: usize = 4 << 20;

pub(crate) fn all() -> [Stream; 4] {
    [
        lines("status", Kind::Messages, status),
        lines("verbose_status", Kind::Messages, verbose_status),
        lines("ls", Kind::Nodes, node),
        snapshots(),
    ]
}

fn lines(name: &'static str, kind: Kind, write: fn(&mut String, usize)) -> Stream {
    let mut text = String::new();
    let mut lines = 0;
    while text.len() < BYTES {
        write(&mut text, lines);
        text.push('\n');
        lines += 1;
    }
    Stream { name, kind, bytes: text.into_bytes(), lines }
}

fn snapshots() -> Stream {
    let mut text = "[".to_owned();
    let mut lines = 0;
    while text.len() < BYTES {
        if lines > 0 {
            text.push(',');
        }
        snapshot(&mut text, lines);
        lines += 1;
    }
    text.push_str("]\n");
    Stream { name: "snapshots", kind: Kind::Snapshots, bytes: text.into_bytes(), lines }
}

/// Spreads numbers over many lengths.
fn varied(index: usize) -> u64 {
    let mixed = (index as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    mixed >> (20 + index % 40)
}

fn path(index: usize) -> String {
    let hash = varied(index * 7 + 3) % 100_000;
    format!(
        "/home/user{:02}/projects/area-{:03}/sub{hash:05}/report-{:06}.dat",
        index % 40,
        index / 1000 % 1000,
        index
    )
}

fn status(text: &mut String, index: usize) {
    let total = 123_456_789_012 + varied(index);
    let done = total / 1000 * (index as u64 % 1000 + 1);
    let fraction = done as f64 / total as f64;
    write!(text, "{{\"message_type\":\"status\",\"seconds_elapsed\":{}", index / 60 + 1).expect("text");
    if !index.is_multiple_of(3) {
        write!(text, ",\"seconds_remaining\":{}", 9000 - index as u64 % 9000 + 1).expect("text");
    }
    write!(
        text,
        ",\"percent_done\":{fraction},\"total_files\":{},\"files_done\":{},\"total_bytes\":{total},\"bytes_done\":{done}",
        200_000 + index % 1000,
        index + 1,
    )
    .expect("text");
    write!(text, ",\"current_files\":[\"{}\",\"{}\"]}}", path(index), path(index + 1)).expect("text");
}

fn verbose_status(text: &mut String, index: usize) {
    let action = ["new", "unchanged", "modified"][index % 3];
    let size = if index % 3 == 1 { 0 } else { varied(index) % 10_000_000 };
    write!(
        text,
        "{{\"message_type\":\"verbose_status\",\"action\":\"{action}\",\"item\":\"{}\",\"duration\":{},\"data_size\":{size},\
         \"data_size_in_repo\":{},\"metadata_size\":{},\"metadata_size_in_repo\":{},\"total_files\":0}}",
        path(index),
        (varied(index) % 1_000_000_000) as f64 / 1e9,
        size / 2,
        varied(index + 1) % 1000,
        varied(index + 2) % 500,
    )
    .expect("text");
}

fn time(index: usize) -> String {
    let (hour, minute, second) = (index % 24, index / 7 % 60, index / 3 % 60);
    format!(
        "2026-{:02}-{:02}T{hour:02}:{minute:02}:{second:02}.{:09}Z",
        index % 12 + 1,
        index % 28 + 1,
        varied(index) % 1_000_000_000
    )
}

fn node(text: &mut String, index: usize) {
    let path = path(index);
    let name = path.rsplit('/').next().unwrap_or_default();
    write!(text, "{{\"name\":\"{name}\",").expect("text");
    let (kind, size, mode, permissions) = match index % 10 {
        0 => ("dir", String::new(), 2_147_484_141_u32, "drwxr-xr-x"),
        _ => ("file", format!("\"size\":{},", varied(index) % 10_000_000), 420, "-rw-r--r--"),
    };
    write!(
        text,
        "\"type\":\"{kind}\",\"path\":\"{path}\",\"uid\":1000,\"gid\":1000,{size}\"mode\":{mode},\"permissions\":\"{permissions}\",\
         \"mtime\":\"{}\",\"atime\":\"{}\",\"ctime\":\"{}\",\"inode\":{},\"message_type\":\"node\",\"struct_type\":\"node\"}}",
        time(index),
        time(index + 1),
        time(index + 2),
        100_000 + index,
    )
    .expect("text");
}

fn id(index: usize) -> String {
    (0..4)
        .map(|part| format!("{:016x}", (index as u64 * 4 + part + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15)))
        .collect()
}

fn snapshot(text: &mut String, index: usize) {
    let id_text = id(index);
    write!(
        text,
        "{{\"time\":\"{}\",\"parent\":\"{}\",\"tree\":\"{}\",\"paths\":[\"/etc\",\"/home\",\"/srv/data\"],\"hostname\":\"host-{:03}\",\
         \"username\":\"backup\",\"uid\":1000,\"gid\":1000,\"tags\":[\"daily\",\"group-{}\"],\"program_version\":\"restic 0.19.1\",\
         \"summary\":{{\"backup_start\":\"{}\",\"backup_end\":\"{}\",\"files_new\":{},\"files_changed\":{},\"files_unmodified\":{},\
         \"dirs_new\":0,\"dirs_changed\":{},\"dirs_unmodified\":{},\"data_blobs\":{},\"tree_blobs\":{},\"data_added\":{},\
         \"data_added_packed\":{},\"total_files_processed\":{},\"total_bytes_processed\":{}}},\"id\":\"{id_text}\",\"short_id\":\"{}\"}}",
        time(index),
        id(index + 1),
        id(index + 2),
        index % 500,
        index % 7,
        time(index),
        time(index + 1),
        varied(index) % 1000,
        varied(index + 1) % 1000,
        varied(index + 2) % 1_000_000,
        index % 100,
        varied(index + 3) % 100_000,
        varied(index + 4) % 10_000,
        varied(index + 5) % 1000,
        varied(index + 6) % 10_000_000_000,
        varied(index + 7) % 10_000_000_000,
        varied(index + 8) % 1_000_000,
        varied(index + 9) % 10_000_000_000_000,
        &id_text[..8],
    )
    .expect("text");
}
