//! A job's live view: the log from any line on, then whatever comes.
//!
//! Lines are read from the store at the reader's pace and never from memory, so a slow reader is late and misses
//! nothing; memory only says when to look again.

use core::time::Duration;
use futures_util::StreamExt as _;
use restic_manager_proto::{
    JobId, Progress,
    api::jobs::{Job, JobUpdate, Stream},
};
use std::sync::Arc;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use super::body::JobBodies;
use crate::{
    call::{Cx, Reply, Request, Socket, close, send_json},
    failure::Failure,
    parts::{Parts, hub::JobWatch},
};

/// Lines in one message.
const LINES: usize = 500;
/// Looks are at least so far apart: a job that prints a thousand lines a second is one message each time.
const PAUSE: Duration = Duration::from_millis(100);

pub(crate) async fn follow(cx: Cx, request: Request<Stream>) -> Result<Reply<JobUpdate>, Failure> {
    let id = request.path.job;
    if cx.read().await?.jobs().find(id).await?.is_none() {
        return Err(Failure::not_found("job"));
    }
    let parts = Arc::clone(cx.parts());
    let watch = parts.hub.watch(id);
    let viewer = Viewer { parts, id, after: request.query.after, shown: None, progress: None };
    Ok(Reply::socket(move |socket| viewer.run(socket, watch)))
}

struct Viewer {
    parts: Arc<Parts>,
    id: JobId,
    /// The last line that was sent.
    after: u64,
    shown: Option<Job>,
    progress: Option<Progress>,
}

/// Why a view goes no further.
enum Stop {
    /// All was sent.
    End,
    /// The reader is gone, or takes nothing.
    Gone,
    /// The store does not answer.
    Failed,
}

impl Viewer {
    async fn run(mut self, mut socket: Socket, mut watch: JobWatch) {
        let parts = Arc::clone(&self.parts);
        let stop = loop {
            if let Err(stop) = self.send_news(&mut socket).await {
                break stop;
            }
            tokio::select! {
                () = async { watch.changed().await; tokio::time::sleep(PAUSE).await; } => {}
                // Nothing is expected from the reader: a message is passed over, and its end is the end.
                message = socket.next() => if !matches!(message, Some(Ok(_))) { break Stop::Gone },
                () = parts.shutdown.requested() => break Stop::Failed,
            }
        };
        match stop {
            Stop::End => close(&mut socket, CloseCode::Normal, "the job has ended").await,
            Stop::Gone => {}
            Stop::Failed => {
                send_json(&mut socket, &JobUpdate::Resume { after: self.after }).await;
                close(&mut socket, CloseCode::Away, "the server is stopping; come again").await;
            }
        }
    }

    /// Sends what is new: the row, the lines, the figures.
    async fn send_news(&mut self, socket: &mut Socket) -> Result<(), Stop> {
        // The row is read before the lines: whoever sees it ended sees all lines after.
        let job = self.read_job().await?;
        let ended = job.state.is_end();
        let progress = job.progress.clone();
        let row = Job { progress: None, ..job };
        if self.shown.as_ref() != Some(&row) {
            let job = Box::new(Job { progress: progress.clone(), ..row.clone() });
            self.send(socket, &JobUpdate::Job { job }).await?;
            self.shown = Some(row);
            self.progress.clone_from(&progress);
        }
        while self.send_lines(socket).await? {}
        if let Some(progress) = progress.filter(|progress| self.progress.as_ref() != Some(progress)) {
            self.send(socket, &JobUpdate::Progress { progress: progress.clone() }).await?;
            self.progress = Some(progress);
        }
        if ended {
            self.send(socket, &JobUpdate::End {}).await?;
            return Err(Stop::End);
        }
        Ok(())
    }

    async fn send_lines(&mut self, socket: &mut Socket) -> Result<bool, Stop> {
        let mut read = self.parts.store.read().await.map_err(failed)?;
        let lines = read.logs().lines(self.id, self.after + 1, LINES).await.map_err(failed)?;
        drop(read);
        let Some(last) = lines.last() else { return Ok(false) };
        let (after, full) = (last.sequence, lines.len() == LINES);
        self.send(socket, &JobUpdate::Lines { lines }).await?;
        self.after = after;
        Ok(full)
    }

    async fn read_job(&self) -> Result<Job, Stop> {
        let mut read = self.parts.store.read().await.map_err(failed)?;
        let row = read.jobs().find(self.id).await.map_err(failed)?.ok_or(Stop::End)?;
        JobBodies::new(&self.parts, read.as_mut()).of(row).await.map_err(failed)
    }

    async fn send(&self, socket: &mut Socket, update: &JobUpdate) -> Result<(), Stop> {
        if send_json(socket, update).await { Ok(()) } else { Err(Stop::Gone) }
    }
}

fn failed(error: impl core::error::Error + 'static) -> Stop {
    tracing::error!(error = &error as &dyn core::error::Error, "could not follow a job");
    Stop::Failed
}
