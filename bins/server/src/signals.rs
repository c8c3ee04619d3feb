//! Ctrl-C and the service manager's request to stop: once to finish, twice to end at once.

use restic_manager_server::Shutdown;
use tokio::signal::unix::{SignalKind, signal};

/// Hands every request to stop on, for as long as the program runs.
pub(crate) fn obey(shutdown: Shutdown) -> std::io::Result<()> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            tracing::info!("asked to stop");
            shutdown.request();
        }
    });
    Ok(())
}
