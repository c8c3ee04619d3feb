//! What is done to a repository's upkeep from its page: jobs now, freezes, the removal of a lock.

use restic_manager_proto::{
    JobChoice, JobOptions,
    api::{
        Nothing,
        freezes::{ByFreeze, Create, Lift, NewFreeze},
        repositories::ByRepository,
        upkeep::{NewUpkeepJob, Run, Set},
    },
    vocabulary::JobKind,
};

use super::{
    context::Cx,
    form_reader::FormReader,
    repository::{after, id},
    respond::{Answer, redirect},
    upkeep,
};
use crate::api::Failure;

/// Says who does the upkeep, and how often.
pub(crate) async fn set_upkeep(cx: Cx) -> Answer {
    let by = ByRepository { repository: id(&cx)? };
    let result = async {
        let change = upkeep::read(&cx.form)?;
        cx.api.change::<Set>(by, change, cx.version()).await
    }
    .await;
    after(&cx, result, "upkeep-updated").await
}

/// Asks for one upkeep job now, and shows it.
pub(crate) async fn run(cx: Cx) -> Answer {
    let mut reader = FormReader::new(&cx.form);
    let kind = reader.choice("kind");
    let host = reader.optional("host", "host", "choose one of the hosts");
    let asked = reader.finish(kind).map(|kind| NewUpkeepJob { kind, host, options: JobOptions::default() });
    ask(&cx, asked).await
}

/// Asks for the removal of one lock that somebody has looked at, by the host whose it is or by whoever does the upkeep.
pub(crate) async fn remove_lock(cx: Cx) -> Answer {
    let mut reader = FormReader::new(&cx.form);
    let host = reader.optional("host", "host", "choose one of the hosts");
    let options = JobOptions::of(JobChoice::Locks(vec![cx.form.text("lock").to_owned()]));
    let asked = reader.finish(Some(NewUpkeepJob { kind: JobKind::Unlock, host, options }));
    ask(&cx, asked).await
}

async fn ask(cx: &Cx, asked: Result<NewUpkeepJob, Failure>) -> Answer {
    let by = ByRepository { repository: id(cx)? };
    let queued = async { cx.api.send::<Run>(by, asked?).await }.await;
    match queued {
        Ok(job) => Ok(redirect(&format!("/jobs/{}", job.id))),
        Err(failure) => after(cx, Err::<(), _>(failure), "").await,
    }
}

/// Freezes forget and prune.
pub(crate) async fn freeze(cx: Cx) -> Answer {
    let by = ByRepository { repository: id(&cx)? };
    let body = NewFreeze { source_group: None, reason: cx.form.text("reason").to_owned() };
    let result = cx.api.send::<Create>(by, body).await;
    after(&cx, result, "frozen").await
}

/// Lifts a freeze.
pub(crate) async fn lift(cx: Cx) -> Answer {
    let by = ByFreeze { repository: id(&cx)?, freeze: cx.parameter("freeze")? };
    let result = cx.api.send::<Lift>(by, Nothing {}).await;
    after(&cx, result, "freeze-lifted").await
}
