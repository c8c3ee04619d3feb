//! Whether a repository is there and opens.

use core::time::Duration;

use restic_manager_proto::{
    JobEnd,
    agent::ReportItem,
    vocabulary::{Cause, JobState, RepositoryState},
};
use restic_manager_restic::{
    Cause as ResticCause,
    command::{Cat, CommandError, Init, Invocation},
    process::{Finished, Stop},
};

use super::{
    end::{self, Ended},
    repository,
    run::Run,
    stage::Ran,
    unfinished,
};

/// A repository that does not open within this time counts as unreachable; restic itself would try for 15 minutes.
const PATIENCE: Duration = Duration::from_secs(30);
/// The same for one that is slow and says nothing of a fault: many keys on a small machine, a storage that wakes up.
const MOST_PATIENCE: Duration = Duration::from_secs(5 * 60);

pub(super) fn command(run: &Run<'_>) -> Result<Invocation, CommandError> {
    run.looking(&Cat::Config)
}

/// The job has seen already that it opens.
pub(super) async fn run(_: &mut Run<'_>) -> Result<JobEnd, Ended> {
    Ok(JobEnd::new(JobState::Succeeded, Cause::None))
}

/// Makes sure that the repository is there and opens, and reports what was found.
pub(super) async fn ensure(run: &mut Run<'_>) -> Result<(), Ended> {
    let ran = look(run).await?;
    match repository::state(&ran) {
        None => Err(end::of_run(&ran).into()),
        Some(RepositoryState::Ready) => {
            report(run, RepositoryState::Ready, "it opens").await;
            Ok(())
        }
        Some(RepositoryState::Missing) if run.order.repository.initialise => initialise(run).await,
        Some(state) => Err(refuse(run, state, &ran).await),
    }
}

pub(super) async fn look(run: &mut Run<'_>) -> Result<Ran, Ended> {
    let invocation = command(run)?;
    let repository = run.order.repository.id;
    let patience = run.shared.patience(repository).unwrap_or(PATIENCE);
    let (_, ran) = run.capture_within(&invocation, Some(patience)).await?;
    let next = next_patience(patience, &Opening::of(&ran.finished));
    if ran.finished.stop == Some(Stop::DeadlinePassed) {
        let (waited, next) = (patience.as_secs(), next.as_secs());
        run.log.remark(&format!(
            "the repository did not open within {waited} seconds; the next time it may take {next}"
        ));
    }
    run.shared.remember_patience(repository, next);
    Ok(ran)
}

/// How a look at a repository went.
#[derive(Debug)]
enum Opening {
    /// It opened within this time.
    Opened(Duration),
    /// Time ran out without a word of what was wrong.
    Slow,
    Failed,
}

impl Opening {
    fn of(finished: &Finished) -> Self {
        let is_late = finished.stop == Some(Stop::DeadlinePassed);
        match () {
            () if finished.outcome.cause.is_success() => Self::Opened(finished.resources.elapsed),
            () if is_late && finished.stderr.trim().is_empty() => Self::Slow,
            () => Self::Failed,
        }
    }
}

/// How long the next look at a repository may take: several times as long as one that went well, and twice as long as
/// one that was slow.
fn next_patience(patience: Duration, opening: &Opening) -> Duration {
    let next = match opening {
        Opening::Opened(took) => *took * 4,
        Opening::Slow => patience * 2,
        Opening::Failed => patience,
    };
    next.clamp(PATIENCE, MOST_PATIENCE)
}

async fn initialise(run: &mut Run<'_>) -> Result<(), Ended> {
    run.log.remark("there is no repository at this place; making one");
    let init = run.working(&Init::new())?;
    let (_, mut made) = run.capture(&init).await?;
    if made.finished.outcome.cause == ResticCause::RepositoryUnfinished && run.order.repository.remake {
        clear(run).await?;
        (_, made) = run.capture(&init).await?;
    }
    if !made.succeeded() && made.finished.outcome.cause != ResticCause::RepositoryExists {
        return match repository::state(&made) {
            None => Err(end::of_run(&made).into()),
            Some(RepositoryState::Missing | RepositoryState::Ready) => {
                Err(refuse(run, RepositoryState::Failed, &made).await)
            }
            Some(state) => Err(refuse(run, state, &made).await),
        };
    }
    // Only one that opens counts, whoever made it.
    let ran = look(run).await?;
    match repository::state(&ran) {
        None => Err(end::of_run(&ran).into()),
        Some(RepositoryState::Ready) => {
            run.log.remark("the repository was made");
            report(run, RepositoryState::Ready, "it was made and opens").await;
            Ok(())
        }
        Some(state) => Err(refuse(run, state, &ran).await),
    }
}

/// Removes what is there of a repository whose making was broken off.
async fn clear(run: &Run<'_>) -> Result<(), Ended> {
    let location = run.order.repository.location.clone();
    let cleared = tokio::task::spawn_blocking(move || unfinished::clear(&location)).await;
    match cleared {
        Ok(Ok(keys)) => {
            run.log.remark(&format!(
                "the making of the repository was broken off; {keys} keys without a config were removed"
            ));
            Ok(())
        }
        Ok(Err(why)) => Err(end::failed(Cause::RepositoryUnfinished, &why.to_string())),
        Err(error) => Err(end::failed(Cause::Other, &error.to_string())),
    }
}

async fn refuse(run: &Run<'_>, state: RepositoryState, ran: &Ran) -> Ended {
    ran.finished.stderr.lines().for_each(|line| run.log.stderr(line));
    report(run, state, &end::detail(ran)).await;
    end::of_repository(state, ran).into()
}

/// Upkeep may come with another credential, which says nothing about the everyday one.
async fn report(run: &Run<'_>, state: RepositoryState, detail: &str) {
    if !run.order.kind().is_upkeep() {
        let (repository, at) = (run.order.repository.id, run.shared.clock.now());
        let detail = detail.to_owned();
        run.report(vec![ReportItem::RepositoryChecked { repository, at, state, detail }]).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_repository_gets_more_time_and_never_more_than_the_limit() {
        let (mut patience, slow) = (PATIENCE, Opening::Slow);
        let mut waits = Vec::new();
        for _ in 0..6 {
            waits.push(patience.as_secs());
            patience = next_patience(patience, &slow);
        }
        assert_eq!(waits, [30, 60, 120, 240, 300, 300]);
        assert_eq!(
            next_patience(patience, &Opening::Failed),
            patience,
            "a fault that is told is no slowness"
        );
        assert_eq!(next_patience(patience, &Opening::Opened(Duration::from_secs(20))).as_secs(), 80);
        assert_eq!(next_patience(patience, &Opening::Opened(Duration::from_millis(20))), PATIENCE);
    }
}
