//! New ids, made from the injected clock and randomness.

use core::fmt;
use restic_manager_crypto::Random;
use restic_manager_proto::{
    AlertId, ApiTokenId, AuditId, ChannelId, DeliveryId, EnrolmentId, FreezeId, HostId, JobId, MaintenanceId,
    NoticeId, OutboxId, PasskeyId, PendingHostId, QuestionId, RepositoryId, RequestId, RouteId, ScheduleId,
    SessionId, SilenceId, SourceGroupId, UserId,
};
use std::sync::Arc;

use crate::clock::Clock;

/// Makes ids. An engine holds one.
#[derive(Clone)]
pub struct Mint {
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident -> $id:ty;)*) => {
        impl Mint {
            $($(#[$doc])*
            #[must_use]
            pub fn $name(&self) -> $id {
                <$id>::from_parts(self.clock.now(), self.entropy())
            })*
        }
    };
}

ids! {
    /// The id of a new host.
    host -> HostId;
    /// The id of a new repository.
    repository -> RepositoryId;
    /// The id of a new source group.
    source_group -> SourceGroupId;
    /// The id of a new schedule.
    schedule -> ScheduleId;
    /// The id of a new job.
    job -> JobId;
    /// The id of a new user.
    user -> UserId;
    /// The id of a new passkey.
    passkey -> PasskeyId;
    /// The id of a new API token.
    api_token -> ApiTokenId;
    /// The id of a new session.
    session -> SessionId;
    /// The id of a new enrolment.
    enrolment -> EnrolmentId;
    /// The id of an announced host.
    pending_host -> PendingHostId;
    /// The id of a new alert.
    alert -> AlertId;
    /// The id of a new maintenance window.
    maintenance -> MaintenanceId;
    /// The id of a new freeze.
    freeze -> FreezeId;
    /// The id of a new notification channel.
    channel -> ChannelId;
    /// The id of a new route.
    route -> RouteId;
    /// The id of a new silence.
    silence -> SilenceId;
    /// The id of a new notice.
    notice -> NoticeId;
    /// The id of a new delivery.
    delivery -> DeliveryId;
    /// The id of a new audit entry.
    audit -> AuditId;
    /// The id of a request that has just arrived.
    request -> RequestId;
    /// The id of a question to an agent.
    question -> QuestionId;
    /// The id of an outbox that starts anew.
    outbox -> OutboxId;
}

impl Mint {
    /// Joins the parts that ids are made of.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>, random: Arc<dyn Random>) -> Self {
        Self { clock, random }
    }

    fn entropy(&self) -> [u8; 10] {
        let mut entropy = [0; 10];
        self.random.fill(&mut entropy);
        entropy
    }
}

impl fmt::Debug for Mint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mint").field("clock", &self.clock).finish_non_exhaustive()
    }
}
