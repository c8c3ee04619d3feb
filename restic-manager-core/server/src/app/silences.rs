//! Silences.

use restic_manager_core::maintenance as rules;
use restic_manager_proto::{
    api::{
        self, Nothing, Page,
        silences::{Create, End, List},
    },
    vocabulary::Action,
};
use restic_manager_store::{Read, audit::Subject, silences::Silence};

use super::{
    check::{self, Fields},
    matcher, page,
};
use crate::{
    call::{Cx, Request},
    domain::routing::MOST_SILENCES,
    entry::subject,
    failure::Failure,
};

type SilenceBody = api::silences::Silence;

pub(crate) async fn list(cx: Cx, _: Request<List>) -> Result<Page<SilenceBody>, Failure> {
    let mut read = cx.read().await?;
    let mut items = Vec::new();
    for silence in read.silences().not_over(cx.now(), MOST_SILENCES).await? {
        items.push(silence_body(read.as_mut(), silence).await?);
    }
    Ok(page::whole(items))
}

pub(crate) async fn create(cx: Cx, request: Request<Create>) -> Result<SilenceBody, Failure> {
    let (now, body) = (cx.now(), request.body);
    let from = body.from.unwrap_or(now);
    let mut fields = Fields::default();
    fields.check("reason", check::label(&body.reason));
    matcher::check(&mut fields, &body.matcher);
    if let Err((field, wrong)) = rules::check(from, body.until, now) {
        fields.check::<(), _>(field, Err(wrong));
    }
    fields.finish()?;
    let silence = Silence {
        id: cx.parts().mint.silence(),
        matcher: body.matcher,
        from,
        until: body.until,
        reason: body.reason,
        created: now,
        created_by: cx.user()?.id,
    };
    let mut change = cx.begin().await?;
    matcher::expect_known(change.as_mut(), &silence.matcher, cx.scope()).await?;
    if change.silences().not_over(now, MOST_SILENCES).await?.len() >= MOST_SILENCES {
        let detail = format!("there are {MOST_SILENCES} silences that last or are to come already");
        return Err(Failure::conflict(detail, "end one, or let one match more"));
    }
    change.silences().add(&silence).await?;
    let detail =
        serde_json::json!({ "matcher": silence.matcher, "from": silence.from, "until": silence.until });
    let body = silence_body(change.reading(), silence.clone()).await?;
    change.commit(cx.audit_with(Action::SilenceCreate, about(&silence), detail)).await?;
    Ok(body)
}

pub(crate) async fn end(cx: Cx, request: Request<End>) -> Result<Nothing, Failure> {
    let id = request.path.silence;
    let mut change = cx.begin().await?;
    let silence = change.silences().find(id).await?.ok_or_else(|| Failure::not_found("silence"))?;
    if !change.silences().end(id, cx.now()).await? {
        return Err(Failure::conflict("the silence is over", "there is nothing to end"));
    }
    change.commit(cx.audit(Action::SilenceEnd, about(&silence))).await?;
    Ok(Nothing {})
}

fn about(silence: &Silence) -> Option<Subject> {
    subject("silence", silence.id, silence.reason.clone())
}

async fn silence_body(read: &mut dyn Read, silence: Silence) -> Result<SilenceBody, Failure> {
    let maker = read.users().find(silence.created_by).await?;
    Ok(SilenceBody {
        id: silence.id,
        matcher: silence.matcher,
        from: silence.from,
        until: silence.until,
        reason: silence.reason,
        made_by: maker.map_or_else(|| "(removed)".to_owned(), |maker| maker.name),
        created_at: silence.created,
    })
}
