//! A connection test: looks, makes nothing, and tells nobody but the job, because what is tried may be nobody's
//! repository yet.

use restic_manager_proto::{
    JobEnd,
    vocabulary::{Cause, JobState, RepositoryState},
};

use super::{
    end::{self, Ended},
    opening, repository,
    run::Run,
};

pub(super) use super::opening::command;

pub(super) async fn run(run: &mut Run<'_>) -> Result<JobEnd, Ended> {
    let ran = opening::look(run).await?;
    ran.finished.stderr.lines().for_each(|line| run.log.stderr(line));
    Ok(match repository::state(&ran) {
        None => end::of_run(&ran),
        Some(RepositoryState::Ready) => {
            end::without_run(JobState::Succeeded, Cause::None, "the repository opens with this password")
        }
        Some(state) => end::of_repository(state, &ran),
    })
}
