use async_trait::async_trait;
use restic_manager_proto::{JobId, LogLine, Timestamp};
use std::sync::Arc;

use super::jobs::end_before;
use super::tables::{Tables, row};
use crate::{
    Error,
    logs::{LogExtent, LogQueries, Logs},
};

#[async_trait]
impl LogQueries for Tables {
    async fn lines(&mut self, job: JobId, from: u64, limit: usize) -> Result<Vec<LogLine>, Error> {
        let Some(pieces) = self.logs.get(&job) else { return Ok(Vec::new()) };
        let lines = pieces.iter().flat_map(|piece| piece.iter()).skip_while(|line| line.sequence < from);
        Ok(lines.take(limit).cloned().collect())
    }

    async fn end_before(&mut self, newest: u64) -> Result<Option<Timestamp>, Error> {
        let kept = self.jobs.values().filter(|job| job.log.lines > 0 && !job.log.discarded);
        Ok(end_before(kept, newest))
    }
}

#[async_trait]
impl Logs for Tables {
    async fn append(&mut self, job: JobId, lines: &[LogLine]) -> Result<LogExtent, Error> {
        let extent = &mut row(&mut self.jobs, &job, "job")?.log;
        let fresh = extent.admit(lines);
        if !fresh.is_empty() {
            let pieces = Arc::make_mut(&mut self.logs).entry(job).or_default();
            pieces.push(Arc::new(fresh));
            make_room(pieces, extent);
        }
        Ok(*extent)
    }

    async fn discard(&mut self, ended_before: Timestamp, limit: usize) -> Result<u64, Error> {
        let mut doomed: Vec<_> = self
            .jobs
            .values()
            .filter(|job| job.log.lines > 0 && !job.log.discarded)
            .filter(|job| job.ended.is_some_and(|ended| ended < ended_before))
            .map(|job| (job.ended, job.id))
            .collect();
        doomed.sort_unstable();
        doomed.truncate(limit);
        for (_, id) in &doomed {
            row(&mut self.jobs, id, "job")?.log.discarded = true;
            Arc::make_mut(&mut self.logs).remove(id);
        }
        Ok(doomed.len() as u64)
    }
}

/// Takes pieces out of the middle until the log fits. They give way to one line, which is a piece of its own.
fn make_room(pieces: &mut Vec<Arc<Vec<LogLine>>>, extent: &mut LogExtent) {
    while extent.bytes > LogExtent::ROOM {
        let mut bytes = 0;
        let head = pieces.iter().position(|piece| {
            bytes += piece.iter().map(|line| line.text.len() as u64).sum::<u64>();
            bytes > LogExtent::ROOM / 2 || matches!(piece.as_slice(), [line] if LogExtent::is_mark(line))
        });
        let Some(first) = head.map(|head| head.max(1)).filter(|first| first + 2 < pieces.len()) else {
            return;
        };
        let before = pieces[first - 1].last().map_or(0, |line| line.sequence);
        let gone: Vec<LogLine> = pieces.drain(first..first + 2).flat_map(|piece| piece.to_vec()).collect();
        pieces.splice(first..first, extent.give_way(before, &gone).map(|mark| Arc::new(vec![mark])));
    }
}
