//! What is to be told is noted with the change itself: whoever commits the one commits the other.

use restic_manager_proto::{AlertId, vocabulary::NoticeKind};
use restic_manager_store::{Error, deliveries::Notice};

use crate::parts::Change;

/// Notes that routes are to be asked about a change of an alert.
pub(crate) async fn queue(change: &mut Change<'_>, alert: AlertId, event: NoticeKind) -> Result<(), Error> {
    let parts = change.parts();
    let notice = Notice { id: parts.mint.notice(), alert, event, moment: parts.now() };
    change.deliveries().note(&notice).await
}
