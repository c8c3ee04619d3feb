//! Removes the data that no snapshot needs.

use restic_manager_proto::JobEnd;
use restic_manager_restic::command::{CommandError, Invocation, Prune};

use super::{end::Ended, run::Run};

pub(super) fn command(run: &Run<'_>) -> Result<Invocation, CommandError> {
    run.working(&Prune::new())
}

pub(super) async fn run(run: &mut Run<'_>) -> Result<JobEnd, Ended> {
    run.log.remark(&format!("restic {} prunes", run.restic.version));
    let ran = run.alone(&command(run)?).await?;
    Ok(run.end_of(&ran).await)
}
