//! restic's version, asked for beside everything else: a restic that does not answer keeps nobody from the server.

use core::time::Duration;
use std::sync::Arc;

use tokio::sync::watch;

use crate::runner::Restic;

/// How long a connection that is being made waits for a version that is just being asked for.
const COURTESY: Duration = Duration::from_secs(1);

/// What restic last said of itself.
#[derive(Clone, Debug)]
pub(crate) struct Probe {
    restic: Arc<Restic>,
    newest: Arc<watch::Sender<Option<String>>>,
    is_asking: Arc<watch::Sender<bool>>,
}

impl Probe {
    pub(crate) fn new(restic: Arc<Restic>) -> Self {
        Self { restic, newest: Arc::default(), is_asking: Arc::default() }
    }

    /// Asks again, unless the last question is still open.
    pub(super) fn ask(&self) {
        if self.is_asking.send_replace(true) {
            return;
        }
        let Self { restic, newest, is_asking } = self.clone();
        tokio::spawn(async move {
            let version = restic.ready().await.ok().map(|ready| ready.version.to_string());
            newest.send_if_modified(|known| {
                let is_news = *known != version;
                *known = version;
                is_news
            });
            is_asking.send_replace(false);
        });
    }

    /// The newest answer; one that is just coming is waited for, shortly.
    pub(super) async fn version(&self) -> Option<String> {
        let mut is_asking = self.is_asking.subscribe();
        // One that comes later is told when it comes.
        let _late = tokio::time::timeout(COURTESY, is_asking.wait_for(|is_asking| !is_asking)).await;
        self.newest.borrow().clone()
    }

    /// The newest answer, and its changes.
    pub(super) fn watch(&self) -> watch::Receiver<Option<String>> {
        self.newest.subscribe()
    }
}
