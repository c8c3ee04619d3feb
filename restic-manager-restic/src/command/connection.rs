use std::{ffi::OsString, path::PathBuf, time::Duration};

use super::{
    draft::{Draft, Side, Variable},
    environment::Environment,
    error::CommandError,
    repository::Repository,
};

/// Everything a command needs besides what it is asked to do: the repository and the conditions of reaching it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Connection {
    /// The repository.
    pub repository: Repository,
    /// The variables of the process.
    pub environment: Environment,
    /// Do without the local cache. Slow on remote storage.
    pub no_cache: bool,
    /// Remove old cache folders on the way.
    pub cleanup_cache: bool,
    /// Do not lock the repository; for reading from storage that cannot be written. A command that changes something
    /// is refused, unless it only says what it would do.
    pub no_lock: bool,
    /// Wait that long for a lock (restic 0.16 or newer), in whole seconds.
    pub retry_lock: Option<Duration>,
    /// Limit of the upload in KiB per second.
    pub limit_upload_kib: Option<u32>,
    /// Limit of the download in KiB per second.
    pub limit_download_kib: Option<u32>,
    /// Compression of new data.
    pub compression: Option<Compression>,
    /// Target size of pack files in MiB, 4 to 128.
    pub pack_size_mib: Option<u32>,
    /// Concurrent connections to the storage, 1 to 256.
    pub connections: Option<u32>,
    /// A file with the root certificates to trust instead of the system's.
    pub ca_certificate: Option<PathBuf>,
    /// A file with client certificate and key for TLS.
    pub tls_client_certificate: Option<PathBuf>,
    /// Do not check the server's certificate at all.
    pub danger_insecure_tls: bool,
    /// Give up a request without progress after this time (restic 0.17 or newer), in whole seconds.
    pub stuck_request_timeout: Option<Duration>,
    /// How often restic reports progress; `None` for never. restic itself defaults to 60 or 10 times a second.
    pub progress_interval: Option<Duration>,
    /// How many processors restic uses.
    pub processors: Option<u32>,
}

/// Compression of new data. Repositories of format 1 have none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Compression {
    /// What restic thinks best.
    Auto,
    /// None.
    Off,
    /// Little (restic 0.19 or newer).
    Fastest,
    /// More than `Auto` (restic 0.19 or newer).
    Better,
    /// As much as possible.
    Max,
}

impl Connection {
    /// A connection with one progress report each second and restic's own defaults otherwise.
    pub fn new(repository: Repository, environment: Environment) -> Self {
        Self {
            repository,
            environment,
            no_cache: false,
            cleanup_cache: false,
            no_lock: false,
            retry_lock: None,
            limit_upload_kib: None,
            limit_download_kib: None,
            compression: None,
            pack_size_mib: None,
            connections: None,
            ca_certificate: None,
            tls_client_certificate: None,
            danger_insecure_tls: false,
            stuck_request_timeout: None,
            progress_interval: Some(Duration::from_secs(1)),
            processors: None,
        }
    }

    pub(super) fn write(&self, draft: &mut Draft) {
        for (name, value) in self.environment.iter() {
            draft.set(name.clone(), Variable::Plain(value.clone()));
        }
        self.repository.write(Side::Main, draft);
        self.write_flags(draft);
        self.write_numbers(draft);
        self.write_progress(draft);
    }

    fn write_flags(&self, draft: &mut Draft) {
        // A missing home makes restic 0.19 fail where older ones only warn, so say plainly that there is no cache.
        draft.flag_if(self.no_cache || !self.environment.has_cache_directory(), "--no-cache");
        draft.flag_if(self.cleanup_cache, "--cleanup-cache");
        if self.no_lock {
            draft.no_lock();
        }
        draft.flag_if(self.danger_insecure_tls, "--insecure-tls");
        draft.option_if("--cacert", self.ca_certificate.as_ref());
        draft.option_if("--tls-client-cert", self.tls_client_certificate.as_ref());
        if let Some(compression) = self.compression {
            if matches!(compression, Compression::Fastest | Compression::Better) {
                draft.needs("compression fastest or better");
            }
            draft.option("--compression", compression.word());
        }
    }

    fn write_numbers(&self, draft: &mut Draft) {
        let limits =
            [("--limit-upload", self.limit_upload_kib), ("--limit-download", self.limit_download_kib)];
        for (name, limit) in limits {
            if let Some(limit) = in_range(
                draft,
                name,
                limit,
                1,
                i32::MAX.unsigned_abs(),
                "a limit is at least 1 KiB per second",
            ) {
                draft.option(name, limit.to_string());
            }
        }
        if let Some(size) =
            in_range(draft, "--pack-size", self.pack_size_mib, 4, 128, "a pack is 4 to 128 MiB")
        {
            draft.option("--pack-size", size.to_string());
        }
        if let Some(count) = in_range(draft, "connections", self.connections, 1, 256, "give 1 to 256") {
            let option = format!("{}.connections={count}", self.repository.backend.scheme());
            draft.option("-o", option);
        }
        if let Some(count) = in_range(draft, "processors", self.processors, 1, 1024, "give 1 to 1024") {
            draft.set("GOMAXPROCS", Variable::plain(count.to_string()));
        }
        let waits =
            [("--retry-lock", self.retry_lock), ("--stuck-request-timeout", self.stuck_request_timeout)];
        for (name, wait) in waits {
            if let Some(wait) = wait {
                draft.option(name, seconds(wait));
            }
        }
    }

    fn write_progress(&self, draft: &mut Draft) {
        match self.progress_interval {
            Some(interval)
                if interval < Duration::from_millis(16) || interval > Duration::from_secs(3600) =>
            {
                draft.refuse(CommandError::Invalid {
                    what: "the progress interval",
                    reason: "give 16 milliseconds to one hour",
                });
            }
            Some(interval) => {
                let rate: OsString = format!("{:.6}", 1.0 / interval.as_secs_f64()).into();
                draft.set("RESTIC_PROGRESS_FPS", Variable::Plain(rate));
            }
            // `--quiet` and `--verbose` exclude each other; once an hour is as good as never.
            None if draft.is_verbose() => draft.set("RESTIC_PROGRESS_FPS", Variable::plain("0.000278")),
            None => draft.flag("--quiet"),
        }
    }
}

impl Compression {
    const fn word(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Off => "off",
            Self::Fastest => "fastest",
            Self::Better => "better",
            Self::Max => "max",
        }
    }
}

/// A number restic would take silently although it means something else.
pub(super) fn in_range(
    draft: &mut Draft,
    what: &'static str,
    number: Option<u32>,
    least: u32,
    most: u32,
    reason: &'static str,
) -> Option<u32> {
    let number = number?;
    if (least..=most).contains(&number) {
        return Some(number);
    }
    draft.refuse(CommandError::Invalid { what, reason });
    None
}

/// A duration as Go reads it. Zero would mean "no limit" to some options and "at once" to others.
pub(super) fn seconds(duration: Duration) -> String {
    format!("{}s", duration.as_secs().max(1))
}
