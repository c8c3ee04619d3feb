//! Why an agent is not let in, and how it is told.

use core::time::Duration;
use restic_manager_core::link::{Ended, Link};
use restic_manager_proto::agent::{Refusal, RefusalCode};
use restic_manager_store::Error;
use tokio::io::{AsyncRead, AsyncWrite};

/// How long a refusal may take to leave.
pub(super) const FAREWELL: Duration = Duration::from_secs(5);

/// Why an agent was not admitted.
#[derive(Debug)]
pub(super) enum Rejected {
    /// The connection ended before it was decided.
    Ended(Ended),
    /// The agent is told why.
    Refused(Refusal),
}

/// Tells an agent why, and ends its connection.
pub(super) async fn refuse<S: AsyncRead + AsyncWrite + Unpin>(link: &mut Link<S>, refusal: Refusal) {
    let now = link.now();
    link.session().refuse(now, refusal);
    // The agent learns the reason if it still listens.
    let _ = tokio::time::timeout(FAREWELL, async { while link.next().await.is_ok() {} }).await;
}

pub(super) fn refused(code: RefusalCode, message: &str) -> Rejected {
    Rejected::Refused(Refusal::new(code, message))
}

pub(super) fn malformed() -> Rejected {
    refused(RefusalCode::Malformed, "the first messages cannot be read; update the agent")
}

/// The session lets nothing else through; this is for the compiler.
pub(super) fn out_of_order() -> Rejected {
    refused(RefusalCode::Malformed, "the first messages came in the wrong order; update the agent")
}

pub(super) fn unavailable(error: &Error) -> Rejected {
    tracing::error!(error = error as &dyn core::error::Error, "could not look up an agent");
    refused(RefusalCode::Busy, "the server's database does not answer; try again later")
}
