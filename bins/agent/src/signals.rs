//! Ctrl-C and the service manager's request to stop: once to finish, twice to leave at once.

use restic_manager_agent::Shutdown;

/// Hands every request to stop on, for as long as the program runs.
#[cfg(unix)]
pub(crate) fn obey(shutdown: Shutdown) -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            shutdown.request();
        }
    });
    Ok(())
}

/// Hands every request to stop on, for as long as the program runs.
#[cfg(windows)]
pub(crate) fn obey(shutdown: Shutdown) -> std::io::Result<()> {
    let mut interrupt = tokio::signal::windows::ctrl_c()?;
    let mut close = tokio::signal::windows::ctrl_close()?;
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = close.recv() => {}
            }
            shutdown.request();
        }
    });
    Ok(())
}
