//! Each append leaves a small plain piece; when the pieces of a job weigh a chunk, or the job ends, they become
//! compressed chunks. So a line is written twice at most, and what was appended is never rewritten as a whole.

use async_trait::async_trait;
use restic_manager_proto::{JobId, LogLine, Timestamp};

use super::{
    Connection, Sql, chunk,
    record::{columns, select},
    value::values,
};
use crate::{
    Error, ErrorKind,
    logs::{LogExtent, LogQueries, Logs},
};

/// Text of a few hundred lines: larger ones hardly compress better and cost more to read a page from.
const CHUNK_WEIGHT: u64 = 64 * 1024;

/// Most chunks of one log, and how many of them, from the first, never give way.
const MOST_CHUNKS: usize = (LogExtent::ROOM / CHUNK_WEIGHT) as usize;
const HEAD_CHUNKS: usize = MOST_CHUNKS / 2;

/// How many pieces a reader fetches at once: few for a page of a long log, more and more for the whole of it.
const READ_AHEAD: [usize; 2] = [2, 64];

/// What decides how more of a log is taken in.
struct Intake {
    extent: LogExtent,
    pending: u64,
    ended: Option<Timestamp>,
}

columns! { Intake of jobs, "job" { extent: "log_", pending = log_pending, ended } }

#[async_trait]
impl<C: Connection> LogQueries for Sql<C> {
    async fn lines(&mut self, job: JobId, from: u64, limit: usize) -> Result<Vec<LogLine>, Error> {
        let mut lines = Vec::new();
        let mut next = from;
        let [mut pieces, most_pieces] = READ_AHEAD;
        while lines.len() < limit {
            let sql = "SELECT body FROM job_logs WHERE job = $1 AND last_sequence >= $2 \
                       AND first_sequence >= (SELECT COALESCE(MAX(first_sequence), 0) FROM job_logs \
                       WHERE job = $1 AND first_sequence <= $2) ORDER BY first_sequence LIMIT $3";
            let values = values![job, next, pieces];
            let bodies = self.column::<Vec<u8>>(sql, values, "log").await?;
            for body in &bodies {
                chunk::decode(body, &mut lines)?;
            }
            lines.retain(|line: &LogLine| line.sequence >= from);
            next = lines.last().map_or(next, |line| line.sequence + 1);
            if bodies.len() < pieces {
                break;
            }
            pieces = (pieces * 2).min(most_pieces);
        }
        lines.truncate(limit);
        Ok(lines)
    }

    async fn end_before(&mut self, newest: u64) -> Result<Option<Timestamp>, Error> {
        let sql = "SELECT ended FROM jobs WHERE ended IS NOT NULL AND log_lines > 0 AND NOT log_discarded \
                   ORDER BY ended DESC, id DESC LIMIT 1 OFFSET $1";
        self.only(sql, values![newest], "job").await
    }
}

#[async_trait]
impl<C: Connection> Logs for Sql<C> {
    async fn append(&mut self, job: JobId, lines: &[LogLine]) -> Result<LogExtent, Error> {
        let intake = self.row(select!(Intake: "WHERE id = $1"), values![job]).await?;
        let Intake { mut extent, pending, ended } = intake.ok_or(Error::new(ErrorKind::NotFound, "job"))?;
        let fresh = extent.admit(lines);
        if fresh.is_empty() {
            return Ok(extent);
        }
        let mut pending = pending + fresh.iter().map(chunk::weight).sum::<u64>();
        if ended.is_some() || pending >= CHUNK_WEIGHT {
            self.write_chunks(job, fresh).await?;
            self.make_room(job, &mut extent).await?;
            pending = 0;
        } else {
            self.write(job, &fresh, false, chunk::plain(&fresh)).await?;
        }
        let sql = "UPDATE jobs SET log_last_sequence = $2, log_lines = $3, log_bytes = $4, log_missing = $5, \
                   log_pending = $6 WHERE id = $1";
        let LogExtent { last_sequence, lines, bytes, missing, .. } = extent;
        self.execute(sql, values![job, last_sequence, lines, bytes, missing, pending]).await?;
        Ok(extent)
    }

    async fn discard(&mut self, ended_before: Timestamp, limit: usize) -> Result<u64, Error> {
        let sql = "UPDATE jobs SET log_discarded = $3 WHERE id IN (SELECT id FROM jobs WHERE ended < $1 \
                   AND log_lines > 0 AND NOT log_discarded ORDER BY ended, id LIMIT $2) RETURNING id";
        let jobs = self.column::<JobId>(sql, values![ended_before, limit, true], "job").await?;
        for job in &jobs {
            self.execute("DELETE FROM job_logs WHERE job = $1", values![job]).await?;
        }
        Ok(jobs.len() as u64)
    }
}

impl<C: Connection> Sql<C> {
    /// Makes chunks of what is left in pieces.
    pub(super) async fn merge_pieces(&mut self, job: JobId) -> Result<(), Error> {
        self.write_chunks(job, Vec::new()).await?;
        self.execute("UPDATE jobs SET log_pending = 0 WHERE id = $1 AND log_pending > 0", values![job])
            .await?;
        Ok(())
    }

    /// Makes chunks of the pieces and of the lines that follow them.
    async fn write_chunks(&mut self, job: JobId, following: Vec<LogLine>) -> Result<(), Error> {
        let sql = "SELECT body FROM job_logs WHERE job = $1 AND NOT chunked ORDER BY first_sequence";
        let pieces = self.column::<Vec<u8>>(sql, values![job], "log").await?;
        let lines = if pieces.is_empty() {
            following
        } else {
            let mut lines = Vec::new();
            for piece in pieces {
                chunk::decode(&piece, &mut lines)?;
            }
            self.execute("DELETE FROM job_logs WHERE job = $1 AND NOT chunked", values![job]).await?;
            lines.extend(following);
            lines
        };
        let mut rest = lines.as_slice();
        while !rest.is_empty() {
            let mut weight = 0;
            let full = rest.iter().position(|line| {
                weight += chunk::weight(line);
                weight >= CHUNK_WEIGHT
            });
            let (lines, after) = rest.split_at(full.map_or(rest.len(), |last| last + 1));
            self.write(job, lines, true, chunk::compressed(lines)?).await?;
            rest = after;
        }
        Ok(())
    }

    /// Takes chunks out of the middle until the log fits. They give way to one line, which is a chunk of its own.
    async fn make_room(&mut self, job: JobId, extent: &mut LogExtent) -> Result<(), Error> {
        let sql = "SELECT last_sequence FROM job_logs WHERE job = $1 AND chunked ORDER BY first_sequence";
        let ends = self.column::<u64>(sql, values![job], "log").await?;
        let Some(over) = ends.len().checked_sub(MOST_CHUNKS).filter(|over| *over > 0) else { return Ok(()) };
        let before = ends[HEAD_CHUNKS - 1];
        // The line that stands for those that are gone already is one of them.
        let through = ends[HEAD_CHUNKS + over];
        let sql = "SELECT body FROM job_logs WHERE job = $1 AND chunked AND first_sequence > $2 \
                   AND last_sequence <= $3 ORDER BY first_sequence";
        let mut lines = Vec::new();
        for body in self.column::<Vec<u8>>(sql, values![job, before, through], "log").await? {
            chunk::decode(&body, &mut lines)?;
        }
        let sql =
            "DELETE FROM job_logs WHERE job = $1 AND chunked AND first_sequence > $2 AND last_sequence <= $3";
        self.execute(sql, values![job, before, through]).await?;
        match extent.give_way(before, &lines) {
            Some(mark) => {
                let body = chunk::compressed(core::slice::from_ref(&mark))?;
                self.write(job, &[mark], true, body).await
            }
            None => Ok(()),
        }
    }

    async fn write(
        &mut self,
        job: JobId,
        lines: &[LogLine],
        chunked: bool,
        body: Vec<u8>,
    ) -> Result<(), Error> {
        let (Some(first), Some(last)) = (lines.first(), lines.last()) else { return Ok(()) };
        let sql = "INSERT INTO job_logs (job, first_sequence, last_sequence, chunked, body) \
                   VALUES ($1, $2, $3, $4, $5)";
        self.execute(sql, values![job, first.sequence, last.sequence, chunked, body]).await?;
        Ok(())
    }
}
