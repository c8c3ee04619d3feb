//! The agent's builds, as files that the server was given.

use http::{HeaderName, HeaderValue};
use restic_manager_proto::api::{Code, Nothing};
use std::sync::Arc;

use crate::{
    call::{
        Cx, Download, Payload, Reply, Request,
        plain::{self, AgentBinary, AgentChecksum, Architecture, System},
    },
    failure::Failure,
    parts::{Parts, builds::Build},
};

pub(crate) async fn binary(cx: Cx, request: Request<AgentBinary>) -> Result<Reply<Nothing>, Failure> {
    let build = load(cx.parts(), request.query).await?;
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
    let build = load(cx.parts(), request.query).await?;
    let line = format!("{}  {}\n", build.sha256, file_name(request.query));
    Ok(Reply::download(Download {
        content_type: "text/plain; charset=utf-8",
        file_name: None,
        payload: Payload::Bytes(line.into()),
    }))
}

fn file_name(asked: plain::Build) -> String {
    let os = match asked.os {
        System::Linux => "linux",
    };
    let arch = match asked.arch {
        Architecture::Amd64 => "amd64",
        Architecture::Arm64 => "arm64",
    };
    format!("restic-manager-agent-{os}-{arch}")
}

async fn load(parts: &Parts, asked: plain::Build) -> Result<Arc<Build>, Failure> {
    let folder = parts.config.bundled_assets.as_ref().ok_or_else(|| absent(asked))?;
    let found = parts.builds.load(folder.join(file_name(asked))).await;
    found
        .map_err(|error| Failure::internal("could not read a build of the agent", error))?
        .ok_or_else(|| absent(asked))
}

fn absent(asked: plain::Build) -> Failure {
    Failure::new(
        Code::NotFound,
        format!("this server has no {}", file_name(asked)),
        "put it into the folder that RM_BUNDLED_ASSETS_DIR names, or install the agent by hand",
    )
}
