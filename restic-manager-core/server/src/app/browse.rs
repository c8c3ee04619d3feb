//! What snapshots hold, as an agent that is attached to their repository says.

use restic_manager_proto::{
    HostId, RawPath, RepositoryId, SearchHit, SnapshotEntry,
    agent::{AnswerPart, ErrorCode, Question},
    api::{
        Code, Page,
        snapshots::{BySnapshot, Folder, Search},
    },
    is_inside,
    limits::{SEARCH_BYTES, SEARCH_HITS},
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
    let wanted = page::request(query.limit, query.after.as_ref(), |after: u64| after)?;
    let after = wanted.after.unwrap_or_default();
    let question = Question::Folder {
        snapshot: by.snapshot.clone(),
        folder: path,
        sort: query.sort.unwrap_or_default(),
        descending: query.descending.unwrap_or_default(),
        after,
        limit: u16::try_from(wanted.limit).unwrap_or(u16::MAX),
    };
    let mut entries = Vec::new();
    let more = ask_about(&cx, &by, question, |part| {
        if let AnswerPart::Entries { entries: some } = part {
            entries.extend(some);
        }
    });
    let next = more.await?.then_some(after + entries.len() as u64);
    page::finish(entries, next, |after| after)
}

pub(crate) async fn search(cx: Cx, request: Request<Search>) -> Result<Page<SearchHit>, Failure> {
    let (by, query) = (request.path, request.query);
    if !(1..=SEARCH_BYTES).contains(&query.text.trim().len()) {
        return Err(Failure::field("text", "1 to 256 bytes, such as `report` or `*.sql`"));
    }
    let wanted = page::request(query.limit, query.after.as_ref(), |path: RawPath| path)?;
    let question = Question::Search {
        snapshot: by.snapshot.clone(),
        text: query.text.trim().to_owned(),
        after: wanted.after,
        limit: u16::try_from(wanted.limit).map_or(SEARCH_HITS as u16, |limit| limit.min(SEARCH_HITS as u16)),
    };
    let mut hits = Vec::new();
    let more = ask_about(&cx, &by, question, |part| {
        if let AnswerPart::Hits { hits: some } = part {
            hits.extend(some);
        }
    });
    let more = more.await?;
    let next = hits.last().filter(|_| more).map(|hit: &SearchHit| hit.folder.join(&hit.entry.name));
    page::finish(hits, next, |path| path)
}

/// Asks an agent about a snapshot that was seen.
async fn ask_about(
    cx: &Cx,
    by: &BySnapshot,
    question: Question,
    take: impl FnMut(AnswerPart),
) -> Result<bool, Failure> {
    let host = {
        let mut read = cx.read().await?;
        snapshots::find(read.as_mut(), by).await?;
        answerer(cx, read.as_mut(), by.host, by.repository).await?
    };
    ask(cx, host, by.repository, question, take).await
}

/// Asks an agent, and takes each part of its answer; whether there is more behind them.
pub(super) async fn ask(
    cx: &Cx,
    host: HostId,
    repository: RepositoryId,
    question: Question,
    take: impl FnMut(AnswerPart),
) -> Result<bool, Failure> {
    let id = cx.parts().mint.question();
    let answer = cx.parts().hub.ask(host, id, repository, question).map_err(unasked)?;
    let mut worked = 0;
    timeout(ANSWER_TIME, all(answer, take, &mut worked)).await.unwrap_or_else(|_| Err(late(worked)))
}

async fn all(
    mut answer: AnswerStream,
    mut take: impl FnMut(AnswerPart),
    worked: &mut u64,
) -> Result<bool, Failure> {
    while let Some(part) = answer.next().await {
        match part {
            AnswerPart::Working { entries } => *worked = entries,
            AnswerPart::End { more } => return Ok(more),
            AnswerPart::Failed { code, message } => return Err(unanswered(code, &message)),
            part => take(part),
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

fn unanswered(code: ErrorCode, message: &str) -> Failure {
    let next = match code {
        ErrorCode::Unsupported => "update the agent of the host: it is older than this question",
        ErrorCode::Forbidden => "change the policy file on the host, if it may look into this repository",
        _ => "look at the repository's page for its state, and try again",
    };
    let detail = format!("the host could not look into the snapshot: {message}");
    Failure::new(Code::Conflict, detail, next)
}

/// What was read by then is kept: the agent goes on with an index that it has begun.
fn late(worked: u64) -> Failure {
    let seconds = ANSWER_TIME.as_secs();
    let (detail, next) = match worked {
        0 => (
            format!("the host has not answered within {seconds} seconds"),
            "try again: what restic has read is in its cache by then, and comes faster",
        ),
        worked => (
            format!("the host reads the snapshot for the first time, and has read {worked} entries of it"),
            "try again in a moment: it goes on reading, and answers at once when it is done",
        ),
    };
    Failure::new(Code::Timeout, detail, next)
}
