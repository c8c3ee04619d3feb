//! The calls that no safe library offers, and nothing else.
#![expect(unsafe_code, reason = "work between fork and exec, wait4 and ioprio_set have no safe form")]

use std::{
    io,
    os::{
        fd::OwnedFd,
        unix::process::{CommandExt as _, ExitStatusExt as _},
    },
    process::{Command, ExitStatus},
    time::Duration,
};

use rustix::{
    io::{FdFlags, fcntl_setfd},
    process::{Pid, getpid, getppid, getpriority_process, setpriority_process},
};

use super::common::Reaped;
use crate::{
    exit::Termination,
    process::options::{IoPriority, Priority},
};

/// What a child does to itself before it becomes restic.
#[derive(Debug)]
pub(super) struct ChildSetup {
    inherited: Vec<OwnedFd>,
    priority: Priority,
    parent: Pid,
}

impl ChildSetup {
    pub(super) fn new(inherited: Vec<OwnedFd>, priority: Priority) -> Self {
        Self { inherited, priority, parent: getpid() }
    }

    /// Runs between fork and exec, where only plain system calls are allowed: nothing here allocates or locks.
    fn apply(&self) -> io::Result<()> {
        close_all_on_exec();
        for fd in &self.inherited {
            fcntl_setfd(fd, FdFlags::empty())?;
        }
        self.die_with_parent()?;
        if self.priority.niceness > 0 {
            let wanted = getpriority_process(None)?.saturating_add(i32::from(self.priority.niceness)).min(19);
            setpriority_process(None, wanted)?;
        }
        self.lower_io_priority()
    }

    #[cfg(any(target_os = "linux", target_os = "android"))]
    fn die_with_parent(&self) -> io::Result<()> {
        rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::INT))?;
        // The parent may have died before the line above.
        if getppid() == Some(self.parent) { Ok(()) } else { Err(io::ErrorKind::Interrupted.into()) }
    }

    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    fn die_with_parent(&self) -> io::Result<()> {
        if getppid() == Some(self.parent) { Ok(()) } else { Err(io::ErrorKind::Interrupted.into()) }
    }

    #[cfg(any(target_os = "linux", target_os = "android"))]
    fn lower_io_priority(&self) -> io::Result<()> {
        const PROCESS: libc::c_int = 1;
        const BEST_EFFORT_LAST: libc::c_int = 2 << 13 | 7;
        const IDLE: libc::c_int = 3 << 13;
        let value = match self.priority.io {
            IoPriority::Default => return Ok(()),
            IoPriority::Low => BEST_EFFORT_LAST,
            IoPriority::Idle => IDLE,
        };
        // SAFETY: the call takes three integers and touches no memory of ours; 0 means the calling process.
        let result = unsafe { libc::syscall(libc::SYS_ioprio_set, PROCESS, 0 as libc::c_int, value) };
        if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
    }

    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    fn lower_io_priority(&self) -> io::Result<()> {
        Ok(())
    }
}

/// Keeps descriptors that others left inheritable from restic. Kernels before 5.11 cannot, and then nothing changes.
fn close_all_on_exec() {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    {
        const FIRST: libc::c_uint = 3;
        // SAFETY: the call takes three integers, touches no memory of ours, and closes nothing before exec.
        unsafe { libc::syscall(libc::SYS_close_range, FIRST, libc::c_uint::MAX, libc::CLOSE_RANGE_CLOEXEC) };
    }
}

pub(super) fn set_up_child(command: &mut Command, setup: ChildSetup) {
    // SAFETY: `apply` makes system calls only and builds errors from numbers, so it is safe in a forked child of a
    // program with many threads. The descriptors it uses are owned by the closure.
    unsafe { command.pre_exec(move || setup.apply()) };
}

/// Reaps a child of ours that has ended, with what it used.
pub(super) fn wait4(pid: Pid) -> io::Result<Reaped> {
    let mut status: libc::c_int = 0;
    // SAFETY: all zeros is a value of this plain C structure.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    loop {
        // SAFETY: both pointers lead to live, writable values of the right types.
        let result = unsafe { libc::wait4(pid.as_raw_nonzero().get(), &raw mut status, 0, &raw mut usage) };
        if result >= 0 {
            break;
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
    let status = ExitStatus::from_raw(status);
    let termination = match (status.code(), status.signal()) {
        (Some(code), _) => Termination::Code(code),
        (None, signal) => Termination::Signal(signal.unwrap_or_default()),
    };
    Ok(Reaped {
        termination,
        user_time: duration(usage.ru_utime),
        system_time: duration(usage.ru_stime),
        peak_memory_bytes: u64::try_from(usage.ru_maxrss).ok().map(|size| size * PEAK_UNIT_BYTES),
    })
}

/// Apple counts in bytes, all others in KiB.
const PEAK_UNIT_BYTES: u64 = if cfg!(target_vendor = "apple") { 1 } else { 1024 };

fn duration(time: libc::timeval) -> Option<Duration> {
    let seconds = u64::try_from(time.tv_sec).ok()?;
    let micros = u64::try_from(time.tv_usec).ok()?;
    Some(Duration::from_secs(seconds) + Duration::from_micros(micros))
}
