//! The agent's builds that were asked for, so that a thousand hosts read each from disk once.

use bytes::Bytes;
use sha2::{Digest as _, Sha256};
use std::{
    collections::HashMap,
    io::{self, ErrorKind},
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::SystemTime,
};

/// A build is a few megabytes; a file larger than this is something else.
const LARGEST: u64 = 64 * 1024 * 1024;

/// Builds by their file.
#[derive(Default)]
pub(crate) struct Builds(Mutex<HashMap<PathBuf, Arc<Build>>>);

/// A build as its file was.
pub(crate) struct Build {
    changed: Option<SystemTime>,
    length: u64,
    pub(crate) sha256: String,
    pub(crate) bytes: Bytes,
}

impl Builds {
    /// The build in a file; `None` when there is no such file.
    pub(crate) async fn load(&self, path: PathBuf) -> io::Result<Option<Arc<Build>>> {
        let facts = match tokio::fs::metadata(&path).await {
            Ok(facts) if facts.is_file() && facts.len() <= LARGEST => facts,
            Ok(_) => return Ok(None),
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let (changed, length) = (facts.modified().ok(), facts.len());
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&path).cloned();
        if let Some(known) = known.filter(|known| known.changed == changed && known.length == length) {
            return Ok(Some(known));
        }
        let bytes = tokio::fs::read(&path).await?;
        let sha256 = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        let build = Arc::new(Build { changed, length, sha256, bytes: bytes.into() });
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(path, Arc::clone(&build));
        Ok(Some(build))
    }
}
