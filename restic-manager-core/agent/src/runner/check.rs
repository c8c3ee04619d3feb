//! Looks for damage.

use restic_manager_proto::{
    JobEnd, ReadData,
    agent::Task,
    vocabulary::{Cause, JobState},
};
use restic_manager_restic::{
    Event,
    command::{self, Check, CommandError, Invocation},
};

use super::{end::Ended, run::Run};

pub(super) fn command(run: &Run<'_>) -> Result<Invocation, CommandError> {
    let mut check = Check::new();
    check.read_data = match &run.order.task {
        Task::Check { read_data: Some(wanted) } => read_data(*wanted),
        _ => None,
    };
    run.working(&check)
}

pub(super) async fn run(run: &mut Run<'_>) -> Result<JobEnd, Ended> {
    run.log.remark(&format!("restic {} checks", run.restic.version));
    let mut problems = None;
    let invocation = command(run)?;
    let ran = run.alone_seeing(&invocation, |event| {
        if let Event::CheckSummary(summary) = event {
            problems = Some(summary.num_errors);
        }
    });
    let ran = ran.await?;
    let mut end = run.end_of(&ran).await;
    match (end.state, end.cause, problems) {
        (JobState::Succeeded, ..) => end.statistics.problems = Some(0),
        // restic has one exit code for damage and for not having been able to look.
        (JobState::Failed, Cause::Other | Cause::RepositoryDamaged, Some(found)) if found > 0 => {
            end.cause = Cause::RepositoryDamaged;
            end.statistics.problems = Some(found);
        }
        _ => {}
    }
    Ok(end)
}

fn read_data(wanted: ReadData) -> Option<command::ReadData> {
    match wanted {
        ReadData::Part { part, parts } => Some(command::ReadData::Part { part, parts }),
        ReadData::Percent { percent } => Some(command::ReadData::Percent(percent.into())),
        ReadData::All {} => Some(command::ReadData::All),
        _ => None,
    }
}
