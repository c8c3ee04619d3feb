//! The recorded output of real restic binaries, unpacked in memory.
//!
//! One archive for each version, made by `tests/recorded/record.sh`; `scenarios.tsv` lists which scenario was recorded
//! with which version and how it exited.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::PathBuf;
use std::sync::LazyLock;

use restic_manager_restic::exit::Termination;
use restic_manager_restic::{Decoder, Event, Version};

/// One run of restic.
#[derive(Debug, Default)]
pub(crate) struct Recording {
    pub(crate) command: String,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: Vec<u8>,
    pub(crate) exit: String,
    /// Whether stdout is a file's content and not restic's own output.
    pub(crate) is_data: bool,
}

/// Version, then scenario.
pub(crate) type Corpus = BTreeMap<String, BTreeMap<String, Recording>>;

pub(crate) static CORPUS: LazyLock<Corpus> =
    LazyLock::new(|| versions().into_iter().map(|version| (version.clone(), unpack(&version))).collect());

pub(crate) fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/recorded")
}

/// Rows of `scenarios.tsv`: scenario, then the exit of each version, `-` where it was not recorded.
pub(crate) fn scenarios() -> Vec<(String, Vec<String>)> {
    let text = std::fs::read_to_string(folder().join("scenarios.tsv")).expect("the list of scenarios");
    let mut rows = text.lines().map(|line| {
        let mut cells = line.split('\t').map(str::to_owned);
        (cells.next().expect("a name"), cells.collect())
    });
    rows.by_ref().next();
    rows.collect()
}

pub(crate) fn versions() -> Vec<String> {
    let text = std::fs::read_to_string(folder().join("scenarios.tsv")).expect("the list of scenarios");
    text.lines().next().expect("a heading").split('\t').skip(1).map(str::to_owned).collect()
}

/// Every recording with its version and scenario.
pub(crate) fn each() -> impl Iterator<Item = (Version, &'static str, &'static Recording)> {
    CORPUS.iter().flat_map(|(version, scenarios)| {
        let version: Version = version.parse().expect("a version");
        scenarios.iter().map(move |(scenario, recording)| (version.clone(), scenario.as_str(), recording))
    })
}

impl Recording {
    pub(crate) fn termination(&self) -> Termination {
        match self.exit.strip_prefix("signal ") {
            Some(signal) => Termination::Signal(signal.parse().expect("a number")),
            None => Termination::Code(self.exit.parse().expect("a number")),
        }
    }

    /// The command in restic's words, such as `key list`, without options.
    pub(crate) fn verb(&self) -> &str {
        const VERBS: [&str; 15] = [
            "repair snapshots",
            "version",
            "key list",
            "list",
            "snapshots",
            "stats",
            "find",
            "forget",
            "cat config",
            "cat snapshot",
            "cat tree",
            "ls",
            "init",
            "dump",
            "rewrite",
        ];
        let words = format!("{} ", self.command.lines().next().unwrap_or_default());
        VERBS.into_iter().find(|verb| words.contains(&format!(" {verb} "))).unwrap_or_default()
    }

    pub(crate) fn has_json(&self) -> bool {
        self.command.lines().next().is_some_and(|line| line.contains("--json"))
    }
}

/// All events of a stream that arrives in pieces of this size, with the line of each.
pub(crate) fn events(stream: &[u8], piece_bytes: usize) -> Vec<(Event, Vec<u8>)> {
    let mut decoder = Decoder::new();
    let mut events = Vec::new();
    for piece in stream.chunks(piece_bytes) {
        decoder.push(piece);
        while let Some(event) = decoder.next_event() {
            events.push((event, decoder.last_line().to_vec()));
        }
    }
    decoder.finish();
    while let Some(event) = decoder.next_event() {
        events.push((event, decoder.last_line().to_vec()));
    }
    events
}

fn unpack(version: &str) -> BTreeMap<String, Recording> {
    let packed =
        std::fs::read(folder().join(format!("{version}.tar.zst"))).expect("an archive for each version");
    let plain = ruzstd::decoding::StreamingDecoder::new(packed.as_slice()).expect("a zstd archive");
    let mut recordings: BTreeMap<String, Recording> = BTreeMap::new();
    for entry in tar::Archive::new(plain).entries().expect("a tar archive") {
        let mut entry = entry.expect("an entry");
        let path = entry.path().expect("a path").to_string_lossy().into_owned();
        let (scenario, file) = path.split_once('/').expect("scenario/file");
        let recording = recordings.entry(scenario.to_owned()).or_default();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).expect("the content");
        match file {
            "cmd.txt" => recording.command = String::from_utf8_lossy(&content).into_owned(),
            "exit_code" => recording.exit = String::from_utf8_lossy(&content).trim().to_owned(),
            "stderr.txt" => recording.stderr = content,
            stdout => {
                recording.is_data = stdout == "stdout.bin";
                recording.stdout = content;
            }
        }
    }
    recordings
}
