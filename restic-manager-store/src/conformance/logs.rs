use restic_manager_proto::{
    LogLine,
    vocabulary::{JobState, LogStream},
};

use super::samples::*;
use crate::{
    Error, ErrorKind, Store,
    logs::LogExtent,
};

async fn with_jobs(store: &dyn Store) -> Result<(), Error> {
    fleet(store).await?;
    for number in 1..=3 {
        change!(store, |tx| tx.jobs().queue(&job(number, 1)))?;
    }
    Ok(())
}

fn lines(range: impl IntoIterator<Item = u64>) -> Vec<LogLine> {
    range.into_iter().map(line).collect()
}

pub async fn lines_come_back_in_order(store: &dyn Store) -> Result<(), Error> {
    with_jobs(store).await?;
    for range in [1..=1, 2..=9, 10..=10, 11..=40] {
        change!(store, |tx| tx.logs().append(job_id(1), &lines(range.clone())))?;
    }
    change!(store, |tx| tx.logs().append(job_id(2), &lines(1..=3)))?;
    let mut read = store.read().await?;
    assert_eq!(read.logs().lines(job_id(1), 1, 100).await?, lines(1..=40));
    assert_eq!(read.logs().lines(job_id(1), 0, 4).await?, lines(1..=4));
    assert_eq!(read.logs().lines(job_id(1), 5, 7).await?, lines(5..=11));
    assert_eq!(read.logs().lines(job_id(1), 41, 7).await?, []);
    assert_eq!(read.logs().lines(job_id(1), 5, 0).await?, []);
    assert_eq!(read.logs().lines(job_id(9), 1, 7).await?, []);
    let job = read.jobs().find(job_id(1)).await?;
    let bytes = lines(1..=40).iter().map(|line| line.text.len() as u64).sum();
    let extent = LogExtent { last_sequence: 40, lines: 40, bytes, missing: 0, discarded: false };
    assert_eq!(job.map(|job| job.log), Some(extent));
    drop(read);
    assert_kind(change!(store, |tx| tx.logs().append(job_id(9), &lines(1..=3))), ErrorKind::NotFound);
    Ok(())
}

pub async fn what_arrives_twice_is_stored_once(store: &dyn Store) -> Result<(), Error> {
    with_jobs(store).await?;
    for range in [1..=5, 1..=5, 3..=8, 8..=8] {
        change!(store, |tx| tx.logs().append(job_id(1), &lines(range.clone())))?;
    }
    let changed = LogLine { text: "other".into(), ..line(3) };
    let extent = change!(store, |tx| tx.logs().append(job_id(1), std::slice::from_ref(&changed)))?;
    assert_eq!((extent.last_sequence, extent.lines, extent.missing), (8, 8, 0));
    let extent = change!(store, |tx| tx.logs().append(job_id(1), &[line(9), line(9), line(0)]))?;
    assert_eq!((extent.last_sequence, extent.lines), (9, 9));
    assert_eq!(store.read().await?.logs().lines(job_id(1), 1, 100).await?, lines(1..=9));
    Ok(())
}

pub async fn gaps_are_counted(store: &dyn Store) -> Result<(), Error> {
    with_jobs(store).await?;
    change!(store, |tx| tx.logs().append(job_id(1), &lines([3, 4, 10])))?;
    let extent = change!(store, |tx| tx.logs().append(job_id(1), &lines([20])))?;
    assert_eq!((extent.last_sequence, extent.lines, extent.missing), (20, 4, 16));
    let mut read = store.read().await?;
    assert_eq!(read.logs().lines(job_id(1), 5, 9).await?, lines([10, 20]));
    assert_eq!(read.logs().lines(job_id(1), 1, 2).await?, lines([3, 4]));
    drop(read);
    let impossible = LogLine { sequence: u64::MAX, ..line(1) };
    let same = change!(store, |tx| tx.logs().append(job_id(1), std::slice::from_ref(&impossible)))?;
    assert_eq!(same, extent, "a number that no log can reach is passed over");
    Ok(())
}

pub async fn long_logs_are_read_from_anywhere(store: &dyn Store) -> Result<(), Error> {
    with_jobs(store).await?;
    let all = lines(1..=6000);
    for batch in all.chunks(77) {
        change!(store, |tx| tx.logs().append(job_id(1), batch))?;
    }
    let read_back = async || -> Result<(), Error> {
        let mut read = store.read().await?;
        for from in [1, 2, 500, 2999, 5990] {
            let expected = &all[from - 1..all.len().min(from + 299)];
            assert_eq!(read.logs().lines(job_id(1), from as u64, 300).await?, expected, "from {from}");
        }
        assert_eq!(read.logs().lines(job_id(1), 1, 10_000).await?, all);
        Ok(())
    };
    read_back().await?;
    change!(store, |tx| tx.jobs().finish(job_id(1), at(5), &end(JobState::Succeeded)))?;
    read_back().await
}

pub async fn late_lines_are_kept(store: &dyn Store) -> Result<(), Error> {
    with_jobs(store).await?;
    change!(store, |tx| tx.logs().append(job_id(1), &lines(1..=3)))?;
    change!(store, |tx| tx.jobs().finish(job_id(1), at(5), &end(JobState::Failed)))?;
    change!(store, |tx| tx.logs().append(job_id(1), &lines(4..=5)))?;
    change!(store, |tx| tx.logs().append(job_id(1), &lines(6..=6)))?;
    assert_eq!(store.read().await?.logs().lines(job_id(1), 1, 100).await?, lines(1..=6));
    Ok(())
}

pub async fn a_log_without_end_loses_its_middle(store: &dyn Store) -> Result<(), Error> {
    with_jobs(store).await?;
    let long = |sequence: u64| LogLine { text: format!("{sequence} {}", "x".repeat(7000)), ..line(sequence) };
    let all = 2 * LogExtent::ROOM / 7000;
    let mut extent = LogExtent::default();
    for from in (1..=all).step_by(100) {
        let batch: Vec<_> = (from..all.min(from + 100)).map(long).collect();
        extent = change!(store, |tx| tx.logs().append(job_id(1), &batch))?;
        assert!(extent.bytes < LogExtent::ROOM + 2 * 1024 * 1024, "{extent:?}");
    }
    let mut read = store.read().await?;
    let kept = read.logs().lines(job_id(1), 1, usize::MAX / 2).await?;
    assert_eq!((kept[0].clone(), kept.last().map(|line| line.sequence)), (long(1), Some(all - 1)));
    let marks: Vec<_> = kept.iter().filter(|line| line.text.contains("were left out here")).collect();
    assert_eq!(marks.len(), 1, "one line says so");
    let gone = all - 1 - (kept.len() as u64 - 1);
    let text = &marks[0].text;
    assert!(text.starts_with(&format!("{gone} lines ")), "{text} of {gone}");
    let bytes: usize = kept.iter().map(|line| line.text.len()).sum();
    assert_eq!((extent.lines, extent.bytes), (kept.len() as u64, bytes as u64));
    assert_eq!((extent.last_sequence, extent.missing), (all - 1, all - 1 - kept.len() as u64));
    assert!(bytes as u64 > LogExtent::ROOM / 2, "as much stays as there is room for");
    assert_eq!(read.jobs().find(job_id(1)).await?.map(|job| job.log), Some(extent));
    Ok(())
}

pub async fn any_text_is_kept(store: &dyn Store) -> Result<(), Error> {
    with_jobs(store).await?;
    let texts = ["", "\0 nul", "\u{1b}[31mred", "\u{202e}rtl", "emoji 🦀", "line\nbreak", "\u{fffd}"];
    let mut lines: Vec<_> = texts
        .iter()
        .zip(1..)
        .map(|(text, sequence)| LogLine { text: (*text).into(), ..line(sequence) })
        .collect();
    lines.push(LogLine { text: "x".repeat(1_000_000), stream: LogStream::Stderr, ..line(8) });
    lines.push(LogLine { stream: LogStream::Agent, ..line(9) });
    change!(store, |tx| tx.logs().append(job_id(1), &lines[..3]))?;
    change!(store, |tx| tx.logs().append(job_id(1), &lines[3..]))?;
    assert_eq!(store.read().await?.logs().lines(job_id(1), 1, 100).await?, lines);
    Ok(())
}

pub async fn discarding_spares_active_jobs(store: &dyn Store) -> Result<(), Error> {
    with_jobs(store).await?;
    for number in 1..=2 {
        change!(store, |tx| tx.logs().append(job_id(number), &lines(1..=3)))?;
    }
    for number in [1, 3] {
        change!(store, |tx| tx.jobs().finish(job_id(number), at(5), &end(JobState::Failed)))?;
    }
    assert_eq!(change!(store, |tx| tx.logs().discard(at(5), 9))?, 0);
    assert_eq!(change!(store, |tx| tx.logs().discard(at(6), 9))?, 1);
    assert_eq!(change!(store, |tx| tx.logs().discard(at(6), 9))?, 0);
    let mut read = store.read().await?;
    assert_eq!(read.logs().lines(job_id(1), 1, 9).await?, []);
    let job = read.jobs().find(job_id(1)).await?;
    assert_eq!(job.map(|job| (job.log.discarded, job.log.lines)), Some((true, 3)));
    assert_eq!(read.logs().lines(job_id(2), 1, 9).await?, lines(1..=3));
    Ok(())
}
