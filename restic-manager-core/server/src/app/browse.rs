//! What snapshots hold, as an agent that is attached to their repository says.

use restic_manager_proto::{
    HostId, RawPath, RepositoryId,
    agent::{AnswerPart, ErrorCode, Question, SnapshotEntry},
    api::{Code, Page, snapshots::Folder},
    is_inside,
};
use restic_manager_store::Read;
use tokio::time::timeout;

use super::{found, page, snapshots};
use crate::{
    call::{Cx, Request},
    failure::Failure,
    limits::ANSWER_TIME,
    parts::hub::{AnswerStream, Unasked},
};

pub(crate) async fn folder(cx: Cx, request: Request<Folder>) -> Result<Page<SnapshotEntry>, Failure> {
    let (by, query) = (request.path, request.query);
    let path = query.path.unwrap_or_else(RawPath::root);
    if !is_inside(&path) {
        return Err(Failure::field("path", "an absolute path inside the snapshot, such as `/home/ada`"));
    }
    let wanted = page::request(query.limit, query.after.as_ref(), |name: RawPath| name)?;
    let host = {
        let mut read = cx.read().await?;
        snapshots::find(read.as_mut(), &by).await?;
        answerer(&cx, read.as_mut(), by.host, by.repository).await?
    };
    let question = Question::Folder {
        snapshot: by.snapshot,
        folder: path,
        after: wanted.after,
        limit: u16::try_from(wanted.limit).unwrap_or(u16::MAX),
    };
    let id = cx.parts().mint.question();
    let answer = cx.parts().hub.ask(host, id, by.repository, question).map_err(unasked)?;
    let (entries, more) = timeout(ANSWER_TIME, entries(answer)).await.map_err(|_| late())??;
    let next = if more { entries.last().map(|entry| entry.name.clone()) } else { None };
    page::finish(entries, next, |name| name)
}

/// All entries of an answer, and whether there are more behind them.
async fn entries(mut answer: AnswerStream) -> Result<(Vec<SnapshotEntry>, bool), Failure> {
    let mut found = Vec::new();
    while let Some(part) = answer.next().await {
        match part {
            AnswerPart::Entries { entries } => found.extend(entries),
            AnswerPart::End { more } => return Ok((found, more)),
            AnswerPart::Failed { code, message } => return Err(unanswered(code, message)),
            _ => {}
        }
    }
    Err(Failure::new(
        Code::Unavailable,
        "the host's agent left before it had answered",
        "try again in a moment; its page shows whether it is connected",
    ))
}

/// The host whose agent looks: the snapshot's own, else whoever does the repository's upkeep, else anybody who is connected
/// and attached to it.
async fn answerer(
    cx: &Cx,
    read: &mut dyn Read,
    host: HostId,
    repository: RepositoryId,
) -> Result<HostId, Failure> {
    let is_there = |host: HostId| cx.parts().hub.last_seen(host).is_some();
    if is_there(host) && read.attachments().find(host, repository).await?.is_some() {
        return Ok(host);
    }
    let runner = found::repository(read.repositories(), repository).await?.runner;
    if let Some(runner) = runner.filter(|runner| is_there(*runner)) {
        return Ok(runner);
    }
    let attached = read.attachments().of_repository(repository, &restic_manager_proto::Scope::All).await?;
    attached.into_iter().map(|row| row.host).find(|host| is_there(*host)).ok_or_else(|| {
        Failure::new(
            Code::Unavailable,
            "no host that is attached to the repository is connected, so nobody can look into the snapshot",
            "switch one of its hosts on, or attach another one to the repository",
        )
    })
}

fn unasked(why: Unasked) -> Failure {
    match why {
        Unasked::Away => Failure::new(
            Code::Unavailable,
            "the host's agent has just left",
            "try again in a moment; its page shows whether it is connected",
        ),
        Unasked::Busy => Failure::new(
            Code::TooManyRequests,
            "the host's agent looks into as many folders as it may at once",
            "try again in a moment",
        ),
    }
}

fn unanswered(code: ErrorCode, message: String) -> Failure {
    let next = match code {
        ErrorCode::Unsupported => "update the agent of the host: it is older than this question",
        ErrorCode::Forbidden => "change the policy file on the host, if it may look into this repository",
        _ => "look at the repository's page for its state, and try again",
    };
    let detail = format!("the host could not look into the snapshot: {message}");
    Failure::new(Code::Conflict, detail, next)
}

fn late() -> Failure {
    Failure::new(
        Code::Timeout,
        format!("the host has not answered within {} seconds", ANSWER_TIME.as_secs()),
        "try again: what restic has read is in its cache by then, and comes faster",
    )
}
