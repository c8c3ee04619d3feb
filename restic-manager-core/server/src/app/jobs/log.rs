//! A job's log as a file, read from the store piece by piece while it is sent.

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use http_body::Frame;
use http_body_util::{BodyExt as _, StreamBody};
use restic_manager_proto::{JobId, LogLine, api::jobs::Log, vocabulary::LogFormat};
use std::{fmt::Write as _, sync::Arc};

use crate::{
    call::{
        Cx, Download, Payload, Reply, Request,
        body::{BodyError, BoxError},
    },
    failure::Failure,
    parts::Parts,
};

/// Lines that are held in memory at once.
const PIECE: usize = 1000;

pub(crate) async fn download(cx: Cx, request: Request<Log>) -> Result<Reply<LogLine>, Failure> {
    let id = request.path.job;
    if cx.read().await?.jobs().find(id).await?.is_none() {
        return Err(Failure::not_found("job"));
    }
    let format = request.query.format.unwrap_or(LogFormat::Text);
    let (content_type, ending) = match format {
        LogFormat::Ndjson => ("application/x-ndjson", "ndjson"),
        _ => ("text/plain; charset=utf-8", "txt"),
    };
    let pieces = pieces(Arc::clone(cx.parts()), id, format);
    let body = StreamBody::new(pieces.map(|piece| piece.map(Frame::data)));
    Ok(Reply::download(Download {
        content_type,
        file_name: Some(format!("job-{id}.{ending}")),
        payload: Payload::Stream(body.map_err(BodyError::new).boxed_unsync()),
    }))
}

fn pieces(
    parts: Arc<Parts>,
    id: JobId,
    format: LogFormat,
) -> impl stream::Stream<Item = Result<Bytes, BoxError>> + Send {
    stream::try_unfold((parts, 1), move |(parts, from)| async move {
        let lines = parts.store.read().await?.logs().lines(id, from, PIECE).await?;
        let Some(last) = lines.last() else { return Ok(None) };
        let next = last.sequence + 1;
        let mut text = String::with_capacity(lines.len() * 128);
        for line in &lines {
            write_line(&mut text, line, format)?;
        }
        Ok(Some((Bytes::from(text), (parts, next))))
    })
}

fn write_line(text: &mut String, line: &LogLine, format: LogFormat) -> Result<(), BoxError> {
    match format {
        LogFormat::Ndjson => text.push_str(&serde_json::to_string(line)?),
        _ => {
            write!(text, "{} {:<6} ", line.at, line.stream.as_str())?;
            // A terminal that shows the file must not obey it.
            for character in line.text.chars() {
                if character.is_control() && character != '\t' {
                    write!(text, "{}", character.escape_unicode())?;
                } else {
                    text.push(character);
                }
            }
        }
    }
    text.push('\n');
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use restic_manager_proto::{Timestamp, vocabulary::LogStream};

    fn line(text: &str) -> LogLine {
        LogLine {
            sequence: 1,
            at: Timestamp::from_milliseconds(0),
            stream: LogStream::Stderr,
            text: text.to_owned(),
        }
    }

    #[test]
    fn a_text_line_shows_control_characters_and_stays_one_line() {
        let mut text = String::new();
        write_line(&mut text, &line("a\u{1b}[2Kb\nc\td"), LogFormat::Text).unwrap();
        assert_eq!(text, "1970-01-01T00:00:00Z stderr a\\u{1b}[2Kb\\u{a}c\td\n");
    }

    #[test]
    fn an_ndjson_line_reads_back() {
        let mut text = String::new();
        write_line(&mut text, &line("a\nb"), LogFormat::Ndjson).unwrap();
        assert_eq!(text.lines().count(), 1);
        assert_eq!(serde_json::from_str::<LogLine>(&text).unwrap(), line("a\nb"));
    }
}
