use std::{ffi::OsString, path::PathBuf};

use super::{
    connection::in_range, draft::Draft, error::CommandError, exclude::Exclude, invocation::Stdin,
    snapshot::GroupBy, verb::Write,
};

/// `restic backup`: makes a snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Backup {
    /// What is saved.
    pub source: Source,
    /// Tags of the snapshot.
    pub tags: Vec<String>,
    /// The host name of the snapshot, where it is not the machine's.
    pub host: Option<String>,
    /// What is left out by name.
    pub exclude: Exclude,
    /// Leave out folders with a `CACHEDIR.TAG` file.
    pub exclude_caches: bool,
    /// Leave out folders that hold a file of such a name, `filename[:header]`.
    pub exclude_if_present: Vec<String>,
    /// Leave out files above this size, in bytes.
    pub exclude_larger_than_bytes: Option<u64>,
    /// Stay on the file systems of the sources.
    pub one_file_system: bool,
    /// Save the time of last access too.
    pub with_access_time: bool,
    /// Take a file as unchanged although its change time differs.
    pub ignore_change_time: bool,
    /// Take a file as unchanged although inode and change time differ.
    pub ignore_inode: bool,
    /// The snapshot to compare with.
    pub parent: Parent,
    /// What makes a snapshot a possible parent (restic 0.16 or newer).
    pub group_by: Option<GroupBy>,
    /// Make no snapshot when nothing changed (restic 0.17 or newer).
    pub skip_if_unchanged: bool,
    /// Write nothing; the summary still names a snapshot, which exists nowhere.
    pub dry_run: bool,
    /// Do not count the sources beforehand, so no percentage (restic 0.15 or newer).
    pub no_scan: bool,
    /// Files read at the same time (restic 0.15 or newer).
    pub read_concurrency: Option<u32>,
    /// Report every file.
    pub verbose: bool,
    /// The time of the snapshot as `YYYY-MM-DD hh:mm:ss`, local; decides about retention.
    pub time: Option<String>,
    /// Read from a shadow copy (Windows only, with administrator rights).
    pub use_fs_snapshot: bool,
}

/// What a backup saves.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Source {
    /// Files and folders, given here or in lists.
    Paths {
        /// The paths; relative ones are taken from restic's working directory.
        paths: Vec<PathBuf>,
        /// Files that hold more of them.
        lists: Vec<FileList>,
    },
    /// The data on standard input, saved as one file.
    Stdin {
        /// The path of that file inside the snapshot.
        filename: String,
    },
    /// What a program prints, saved as one file; no snapshot if it fails (restic 0.17 or newer).
    ///
    /// The program inherits restic's environment, secrets of the storage included.
    Program {
        /// Program and arguments, not run by a shell.
        command: Vec<OsString>,
        /// The path of the file inside the snapshot.
        filename: String,
    },
}

/// A file that lists paths to save.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum FileList {
    /// One pattern on each line; `#` starts a comment.
    Patterns(PathBuf),
    /// One path on each line, taken literally.
    Lines(PathBuf),
    /// Paths separated by NUL, the only form that can hold every name.
    Nul(PathBuf),
}

/// The snapshot a backup compares files with, to read only what changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Parent {
    /// The newest one of the same group.
    #[default]
    Newest,
    /// The one with this id.
    Id(String),
    /// None: read every file.
    None,
}

impl Backup {
    /// Saves these files and folders.
    pub fn paths<P: Into<PathBuf>>(paths: impl IntoIterator<Item = P>) -> Self {
        Self::new(Source::Paths { paths: paths.into_iter().map(Into::into).collect(), lists: Vec::new() })
    }

    /// Saves what arrives on standard input as the file `filename`.
    pub fn stdin(filename: impl Into<String>) -> Self {
        Self::new(Source::Stdin { filename: filename.into() })
    }

    /// Saves `source`.
    pub fn new(source: Source) -> Self {
        Self {
            source,
            tags: Vec::new(),
            host: None,
            exclude: Exclude::default(),
            exclude_caches: false,
            exclude_if_present: Vec::new(),
            exclude_larger_than_bytes: None,
            one_file_system: false,
            with_access_time: false,
            ignore_change_time: false,
            ignore_inode: false,
            parent: Parent::Newest,
            group_by: None,
            skip_if_unchanged: false,
            dry_run: false,
            no_scan: false,
            read_concurrency: None,
            verbose: false,
            time: None,
            use_fs_snapshot: false,
        }
    }

    fn write_source(&self, draft: &mut Draft) {
        match &self.source {
            Source::Paths { paths, lists } => {
                if paths.is_empty() && lists.is_empty() {
                    draft.refuse(CommandError::Missing { verb: "backup", what: "anything to save" });
                }
                for list in lists {
                    list.write(draft);
                }
                for path in paths {
                    draft.operand("a path to save", path);
                }
            }
            Source::Stdin { filename } => {
                draft.stdin(Stdin::Data);
                draft.flag("--stdin");
                write_filename(filename, draft);
            }
            Source::Program { command, filename } => {
                draft.flag("--stdin-from-command");
                write_filename(filename, draft);
                match command.split_first() {
                    Some((program, arguments)) => {
                        draft.operand("a program", program);
                        for argument in arguments {
                            draft.literal_operand("an argument of a program", argument);
                        }
                    }
                    None => draft.refuse(CommandError::Missing { verb: "backup", what: "a program" }),
                }
            }
        }
    }

    fn write_exclude(&self, draft: &mut Draft) {
        self.exclude.write(draft);
        draft.flag_if(self.exclude_caches, "--exclude-caches");
        draft.options("--exclude-if-present", &self.exclude_if_present);
        if let Some(bytes) = self.exclude_larger_than_bytes {
            draft.option("--exclude-larger-than", bytes.to_string());
        }
        draft.flag_if(self.one_file_system, "--one-file-system");
    }

    fn write_comparison(&self, draft: &mut Draft) {
        draft.flag_if(self.with_access_time, "--with-atime");
        draft.flag_if(self.ignore_change_time, "--ignore-ctime");
        draft.flag_if(self.ignore_inode, "--ignore-inode");
        match &self.parent {
            Parent::Newest => {}
            Parent::Id(id) => {
                draft.hex("the id of a parent", id);
                draft.option("--parent", id);
            }
            Parent::None => draft.flag("--force"),
        }
        if let Some(group_by) = self.group_by {
            group_by.write(draft);
        }
        draft.flag_if(self.skip_if_unchanged, "--skip-if-unchanged");
    }
}

impl Write for Backup {
    fn verb(&self) -> &'static str {
        "backup"
    }

    fn write(&self, draft: &mut Draft) {
        for tag in &self.tags {
            draft.tags("--tag", std::slice::from_ref(tag));
        }
        draft.option_if("--host", self.host.as_ref());
        self.write_exclude(draft);
        self.write_comparison(draft);
        draft.flag_if(self.dry_run, "--dry-run");
        draft.flag_if(self.no_scan, "--no-scan");
        let concurrency =
            in_range(draft, "--read-concurrency", self.read_concurrency, 1, 256, "give 1 to 256");
        if let Some(count) = concurrency {
            draft.option("--read-concurrency", count.to_string());
        }
        if let Some(time) = &self.time {
            write_time("--time", time, draft);
        }
        draft.flag_if(self.verbose, "--verbose=2");
        if self.use_fs_snapshot {
            if cfg!(windows) {
                draft.flag("--use-fs-snapshot");
            } else {
                draft.refuse(CommandError::Invalid {
                    what: "--use-fs-snapshot",
                    reason: "only Windows has shadow copies",
                });
            }
        }
        self.write_source(draft);
    }
}

impl FileList {
    fn write(&self, draft: &mut Draft) {
        match self {
            Self::Patterns(file) => draft.option("--files-from", file),
            Self::Lines(file) => draft.option("--files-from-verbatim", file),
            Self::Nul(file) => draft.option("--files-from-raw", file),
        }
    }
}

fn write_filename(filename: &str, draft: &mut Draft) {
    // restic 0.18.0 alone fails with a folder in the name.
    if *draft.version() == crate::Version::new(0, 18, 0) && filename.contains('/') {
        draft.refuse(CommandError::Invalid {
            what: "--stdin-filename",
            reason: "restic 0.18.0 takes no folder in it: use a plain name or another version",
        });
    }
    draft.option("--stdin-filename", filename);
}

/// A local time as restic reads it.
pub(super) fn write_time(name: &'static str, time: &str, draft: &mut Draft) {
    const SHAPE: &[u8] = b"0000-00-00 00:00:00";
    let fits = time.len() == SHAPE.len()
        && time
            .bytes()
            .zip(SHAPE)
            .all(|(byte, shape)| if *shape == b'0' { byte.is_ascii_digit() } else { byte == *shape });
    if !fits {
        draft.refuse(CommandError::Invalid {
            what: name,
            reason: "write it as YYYY-MM-DD hh:mm:ss, local time",
        });
    }
    draft.option(name, time);
}
