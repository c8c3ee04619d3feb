//! Which server this is, and how it is.

use bytes::Bytes;
use restic_manager_core::task::TaskState;
use restic_manager_proto::{
    SUPPORTED,
    api::{
        Code, Nothing,
        server::{self, Keeping, OpenApi, ServerVersion, Version},
    },
};

use restic_manager_store::{Error as StoreError, ErrorKind};

use crate::{
    call::{Cx, Download, Payload, Reply, Request, plain},
    failure::Failure,
    parts::tasks::TaskReport,
};

/// The process answers, and nothing in it hangs that only a restart would help.
pub(crate) async fn health(cx: Cx, _: Request<plain::Health>) -> Result<Reply<Nothing>, Failure> {
    match cx.parts().tasks.worst(None).filter(|task| task.state == TaskState::Stuck) {
        Some(task) => Err(unwell(&task)),
        None => Ok(text("ok\n")),
    }
}

/// The database answers, all that happens by itself does, and no stop was asked for.
pub(crate) async fn readiness(cx: Cx, _: Request<plain::Readiness>) -> Result<Reply<Nothing>, Failure> {
    if cx.parts().shutdown.is_requested() {
        return Err(Failure::new(Code::Unavailable, "the server is stopping", "send requests elsewhere"));
    }
    if let Some(task) = cx.parts().down.first() {
        let detail = format!("the background task for {task} failed and is not running");
        return Err(Failure::new(
            Code::Unavailable,
            detail,
            "look into the server's log; it is started again by itself",
        ));
    }
    if cx.parts().damage.is_known() {
        return Err(StoreError::new(ErrorKind::Damaged, "a change").into());
    }
    if let Some(task) = cx.parts().tasks.worst(None) {
        return Err(unwell(&task));
    }
    cx.read().await?.bootstrap().current().await?;
    Ok(text("ready\n"))
}

pub(crate) async fn version(cx: Cx, _: Request<Version>) -> Result<ServerVersion, Failure> {
    let fingerprint = cx.parts().identity.public_key().fingerprint();
    Ok(ServerVersion::new(env!("CARGO_PKG_VERSION"), SUPPORTED, fingerprint.to_string()))
}

pub(crate) async fn keeping(cx: Cx, _: Request<Keeping>) -> Result<server::Kept, Failure> {
    let kept = cx.parts().config.kept;
    Ok(server::Kept {
        jobs_seconds: kept.jobs.as_secs(),
        jobs_at_most: kept.most_jobs,
        logs_seconds: kept.logs.as_secs(),
        logs_at_most: kept.most_logs,
        previews_seconds: kept.previews.as_secs(),
        alerts_seconds: kept.alerts.as_secs(),
        notifications_seconds: kept.notifications.as_secs(),
        tokens_seconds: kept.tokens.as_secs(),
    })
}

pub(crate) async fn openapi(cx: Cx, _: Request<OpenApi>) -> Result<Reply<Nothing>, Failure> {
    Ok(Reply::download(Download {
        content_type: "application/json",
        file_name: None,
        payload: Payload::Bytes(cx.parts().api_document.clone()),
    }))
}

fn unwell(task: &TaskReport) -> Failure {
    let detail = format!("the background task to {} is {}", task.name, task.state.as_str());
    let next_step = match task.state {
        TaskState::Stuck => "look into the server's log, then restart the server",
        _ => "look into the server's log; it is tried again by itself",
    };
    Failure::new(Code::Unavailable, detail, next_step)
}

fn text(text: &'static str) -> Reply<Nothing> {
    Reply::download(Download {
        content_type: "text/plain; charset=utf-8",
        file_name: None,
        payload: Payload::Bytes(Bytes::from_static(text.as_bytes())),
    })
}
