//! Plans of restores: by themselves, and beside what restic says and does.

mod alone;
#[cfg(unix)]
mod beside;
