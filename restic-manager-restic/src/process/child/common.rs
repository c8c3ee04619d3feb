//! What every platform's child begins with, and what is left of it.

use std::{process::Command, time::Duration};

use crate::{
    exit::Termination,
    process::{options::Options, program::Program},
};

/// Puts plain arguments and variables into a command; nothing is inherited.
pub(super) fn plain_command(program: &Program, options: &Options) -> Command {
    let mut command = Command::new(program.path());
    command.env_clear();
    if let Some(directory) = &options.working_directory {
        command.current_dir(directory);
    }
    command
}

/// What is left of a child.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reaped {
    pub(crate) termination: Termination,
    pub(crate) user_time: Option<Duration>,
    pub(crate) system_time: Option<Duration>,
    pub(crate) peak_memory_bytes: Option<u64>,
}
