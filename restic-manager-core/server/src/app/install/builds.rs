//! The agent's builds, as files that the server was given.

use bytes::Bytes;
use http::{HeaderName, HeaderValue};
use restic_manager_proto::api::{Code, Nothing};
use sha2::{Digest as _, Sha256};
use std::{
    collections::HashMap,
    io::ErrorKind,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::SystemTime,
};

use crate::{
    failure::Failure,
    http::{
        Cx, Download, Payload, Reply, Request,
        plain::{AgentBinary, AgentChecksum, Architecture, Build, System},
    },
    shared::Shared,
};

/// A build is a few megabytes; a file larger than this is something else.
const LARGEST: u64 = 64 * 1024 * 1024;

/// The builds that were asked for, so that a thousand hosts read each from disk once.
#[derive(Default)]
pub(crate) struct Builds(Mutex<HashMap<PathBuf, Arc<Loaded>>>);

struct Loaded {
    changed: Option<SystemTime>,
    length: u64,
    sha256: String,
    bytes: Bytes,
}

pub(crate) async fn binary(cx: Cx, request: Request<AgentBinary>) -> Result<Reply<Nothing>, Failure> {
    let build = load(cx.shared(), request.query).await?;
    let sum = HeaderValue::try_from(build.sha256.as_str())
        .map_err(|error| Failure::internal("a checksum is no header value", error))?;
    let download = Download {
        content_type: "application/octet-stream",
        file_name: Some(file_name(request.query)),
        payload: Payload::Bytes(build.bytes.clone()),
    };
    Ok(Reply::download(download).with_header(HeaderName::from_static("x-sha256"), sum))
}

pub(crate) async fn checksum(cx: Cx, request: Request<AgentChecksum>) -> Result<Reply<Nothing>, Failure> {
    let build = load(cx.shared(), request.query).await?;
    let line = format!("{}  {}\n", build.sha256, file_name(request.query));
    Ok(Reply::download(Download {
        content_type: "text/plain; charset=utf-8",
        file_name: None,
        payload: Payload::Bytes(line.into()),
    }))
}

fn file_name(build: Build) -> String {
    let (os, extension) = match build.os {
        System::Linux => ("linux", ""),
        System::Windows => ("windows", ".exe"),
    };
    let arch = match build.arch {
        Architecture::Amd64 => "amd64",
        Architecture::Arm64 => "arm64",
    };
    format!("restic-manager-agent-{os}-{arch}{extension}")
}

async fn load(shared: &Shared, build: Build) -> Result<Arc<Loaded>, Failure> {
    let folder = shared.config.bundled_assets.as_ref().ok_or_else(|| absent(build))?;
    let path = folder.join(file_name(build));
    let facts = match tokio::fs::metadata(&path).await {
        Ok(facts) if facts.is_file() && facts.len() <= LARGEST => facts,
        Ok(_) => return Err(absent(build)),
        Err(error) if error.kind() == ErrorKind::NotFound => return Err(absent(build)),
        Err(error) => return Err(Failure::internal("could not read a build of the agent", error)),
    };
    let (changed, length) = (facts.modified().ok(), facts.len());
    let builds = &shared.builds.0;
    let known = builds.lock().unwrap_or_else(PoisonError::into_inner).get(&path).cloned();
    if let Some(known) = known.filter(|known| known.changed == changed && known.length == length) {
        return Ok(known);
    }
    let bytes = tokio::fs::read(&path).await;
    let bytes = bytes.map_err(|error| Failure::internal("could not read a build of the agent", error))?;
    let sha256 = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    let loaded = Arc::new(Loaded { changed, length, sha256, bytes: bytes.into() });
    builds.lock().unwrap_or_else(PoisonError::into_inner).insert(path, Arc::clone(&loaded));
    Ok(loaded)
}

fn absent(build: Build) -> Failure {
    Failure::new(
        Code::NotFound,
        format!("this server has no {}", file_name(build)),
        "put it into the folder that RM_BUNDLED_ASSETS_DIR names, or install the agent by hand",
    )
}
