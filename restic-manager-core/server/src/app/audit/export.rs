//! The log as a file, read from the store piece by piece while it is sent.

use bytes::Bytes;
use csv::{QuoteStyle, Terminator};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use restic_manager_proto::{
    api::{
        Nothing,
        audit::{Export, ExportQuery, Filter},
    },
    vocabulary::AuditFormat,
};
use restic_manager_store::{
    PageRequest,
    audit::{AuditCursor, AuditEntry, AuditHead},
};
use std::{collections::VecDeque, sync::Arc};

use super::filter::EntryFilter;
use crate::{
    audit::{
        Checkpoint,
        export::{checkpoint_line, entry_line, first_line, last_line},
        judge,
    },
    call::{
        Cx, Download, Payload, Reply, Request,
        body::{BodyError, BoxError},
    },
    failure::Failure,
    parts::Parts,
};

/// Entries that are held in memory at once.
const PIECE: usize = 500;
const HEAD: &str = "sequence,moment,actor_kind,actor_id,actor_name,action,subject_kind,subject_id,subject_name,outcome,\
                    address,detail,hash\r\n";

pub(crate) async fn export(cx: Cx, request: Request<Export>) -> Result<Reply<Nothing>, Failure> {
    let ExportQuery { format, action, actor, subject_kind, subject_id, outcome, since, until, text } =
        request.query;
    let filter =
        Filter { action, actor, subject_kind, subject_id, outcome, since, until, text, ..Filter::default() };
    let wanted = EntryFilter::of(filter)?;
    let parts = Arc::clone(cx.parts());
    let (content_type, ending, pieces) = match format.unwrap_or(AuditFormat::Jsonl) {
        AuditFormat::Csv => {
            ("text/csv; charset=utf-8", "csv", selected(parts, wanted, csv_line, HEAD).boxed())
        }
        _ if wanted.is_everything() => ("application/x-ndjson", "jsonl", whole(parts).boxed()),
        _ => ("application/x-ndjson", "jsonl", selected(parts, wanted, json_line, "").boxed()),
    };
    let body = StreamBody::new(pieces.map_ok(Frame::data));
    Ok(Reply::download(Download {
        content_type,
        file_name: Some(format!("audit.{ending}")),
        payload: Payload::Stream(BodyExt::map_err(body, BodyError::new).boxed_unsync()),
    }))
}

/// All of it, oldest first, with what proves it.
fn whole(parts: Arc<Parts>) -> impl stream::Stream<Item = Result<Bytes, BoxError>> + Send {
    let start = Some(WholeExport { parts, head: AuditHead::START, broken: false, begun: false });
    stream::try_unfold(start, |export| async move {
        match export {
            Some(export) => export.piece().await.map(Some),
            None => Ok(None),
        }
    })
}

struct WholeExport {
    parts: Arc<Parts>,
    head: AuditHead,
    broken: bool,
    begun: bool,
}

impl WholeExport {
    async fn piece(mut self) -> Result<(Bytes, Option<Self>), BoxError> {
        let mut text = String::with_capacity(PIECE * 512);
        if !self.begun {
            text.push_str(&first_line(&self.parts.identity, self.parts.now())?);
            self.begun = true;
        }
        let mut read = self.parts.store.read().await?;
        let next = self.head.sequence + 1;
        let mut marks: VecDeque<_> = read.checkpoints().covering(next, PIECE).await?.into();
        let entries = read.audit().since(next, PIECE).await?;
        for entry in &entries {
            text.push_str(&entry_line(entry)?);
            self.broken |= judge(self.head, entry).is_err();
            self.head = entry.head();
            while marks.front().is_some_and(|mark| mark.head.sequence <= entry.sequence) {
                let passed = marks.pop_front().map(Checkpoint::from);
                text.push_str(&passed.as_ref().map(checkpoint_line).transpose()?.unwrap_or_default());
            }
        }
        if entries.len() == PIECE {
            return Ok((text.into(), Some(self)));
        }
        // The server vouches for what it has just seen to be whole, and for nothing else.
        if !self.broken && self.head.sequence > 0 {
            let checkpoint = Checkpoint::sign(&self.parts.identity, self.head, self.parts.now());
            text.push_str(&checkpoint_line(&checkpoint)?);
        }
        text.push_str(&last_line(self.head.sequence)?);
        Ok((text.into(), None))
    }
}

/// Some of it, newest first. It cannot prove itself: what a filter left out may be missing.
fn selected(
    parts: Arc<Parts>,
    wanted: EntryFilter,
    line: fn(&AuditEntry) -> Result<String, BoxError>,
    head: &'static str,
) -> impl stream::Stream<Item = Result<Bytes, BoxError>> + Send {
    let start = Some((parts, wanted, None::<AuditCursor>, head));
    stream::try_unfold(start, move |state| async move {
        let Some((parts, wanted, after, head)) = state else { return Ok(None) };
        let request =
            after.map_or_else(|| PageRequest::first(PIECE), |after| PageRequest::after(after, PIECE));
        let page = parts.store.read().await?.audit().page_of(&wanted.scope, wanted.range, request).await?;
        let mut text = head.to_owned();
        for entry in page.items.iter().filter(|entry| wanted.passes(entry)) {
            text.push_str(&line(entry)?);
        }
        let next = page.next.map(|next| (parts, wanted, Some(next), ""));
        Ok::<_, BoxError>(Some((Bytes::from(text), next)))
    })
}

fn json_line(entry: &AuditEntry) -> Result<String, BoxError> {
    Ok(entry_line(entry)?)
}

fn csv_line(stored: &AuditEntry) -> Result<String, BoxError> {
    let entry = &stored.entry;
    let subject = entry.subject.as_ref();
    let text = |text: Option<&String>| text.cloned().unwrap_or_default();
    let cells = [
        stored.sequence.to_string(),
        entry.moment.to_string(),
        entry.actor.kind.to_string(),
        text(entry.actor.id.as_ref()),
        text(entry.actor.name.as_ref()),
        entry.action.to_string(),
        subject.map(|subject| subject.kind.clone()).unwrap_or_default(),
        text(subject.and_then(|subject| subject.id.as_ref())),
        text(subject.and_then(|subject| subject.name.as_ref())),
        entry.outcome.to_string(),
        text(entry.address.as_ref()),
        if entry.detail.is_null() { String::new() } else { entry.detail.to_string() },
        crate::audit::hex(&stored.hash),
    ];
    row(cells.map(defused))
}

/// A line as RFC 4180 wants it; text is always in quotes, because some spreadsheets split at other signs too.
fn row<const N: usize>(cells: [String; N]) -> Result<String, BoxError> {
    let mut builder = csv::WriterBuilder::new();
    builder.quote_style(QuoteStyle::NonNumeric).terminator(Terminator::CRLF);
    let mut writer = builder.from_writer(Vec::new());
    writer.write_record(cells)?;
    Ok(String::from_utf8(writer.into_inner()?)?)
}

/// What a spreadsheet would take for a formula gets an apostrophe before it.
fn defused(cell: String) -> String {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) { format!("'{cell}") } else { cell }
}

#[cfg(test)]
mod tests {
    use super::{defused, row};

    #[test]
    fn no_cell_is_a_formula_or_breaks_its_row() {
        let told = [
            ("7", "7\r\n"),
            ("a;=b", "\"a;=b\"\r\n"),
            ("web-01", "\"web-01\"\r\n"),
            ("=HYPERLINK(\"x\")", "\"'=HYPERLINK(\"\"x\"\")\"\r\n"),
            ("@SUM(1)", "\"'@SUM(1)\"\r\n"),
            ("a,b\r\n=c", "\"a,b\r\n=c\"\r\n"),
            ("\t=1", "\"'\t=1\"\r\n"),
        ];
        for (cell, line) in told {
            assert_eq!(row([defused(cell.to_owned())]).unwrap(), line, "{cell}");
        }
    }
}
