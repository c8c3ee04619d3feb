//! The calls that no safe library offers, and nothing else.
#![expect(unsafe_code, reason = "job objects and console events have no safe form")]

use std::{
    io,
    mem::size_of,
    os::windows::io::{AsRawHandle as _, FromRawHandle as _, OwnedHandle},
    process::Child,
    ptr::null,
    sync::Mutex,
    time::Duration,
};

use windows_sys::Win32::System::{
    Console::{
        AttachConsole, CTRL_BREAK_EVENT, FreeConsole, GenerateConsoleCtrlEvent, GetConsoleProcessList,
    },
    JobObjects::{
        AssignProcessToJobObject, CreateJobObjectW, JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE,
        JOBOBJECT_BASIC_ACCOUNTING_INFORMATION, JOBOBJECT_EXTENDED_LIMIT_INFORMATION,
        JobObjectBasicAccountingInformation, JobObjectExtendedLimitInformation, QueryInformationJobObject,
        SetInformationJobObject, TerminateJobObject,
    },
    Threading::{
        BELOW_NORMAL_PRIORITY_CLASS, CREATE_NEW_PROCESS_GROUP, CREATE_NO_WINDOW, IDLE_PRIORITY_CLASS,
    },
};

use crate::process::options::Priority;

/// The console a child has: interrupts travel through it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Console {
    /// Ours, because we have one.
    Shared,
    /// A hidden one of its own, because we are a service and have none.
    Own,
}

impl Console {
    pub(super) fn for_children() -> Self {
        let mut ids = [0_u32; 1];
        // SAFETY: the buffer is writable and as long as the call is told.
        let count = unsafe { GetConsoleProcessList(ids.as_mut_ptr(), 1) };
        if count == 0 { Self::Own } else { Self::Shared }
    }
}

/// A new group, so that an interrupt reaches the child and not us, and the priority.
pub(super) fn creation_flags(console: Console, priority: Priority) -> u32 {
    let window = match console {
        Console::Shared => 0,
        Console::Own => CREATE_NO_WINDOW,
    };
    let class = match priority.niceness {
        0 => 0,
        1..=9 => BELOW_NORMAL_PRIORITY_CLASS,
        _ => IDLE_PRIORITY_CLASS,
    };
    CREATE_NEW_PROCESS_GROUP | window | class
}

/// Sends Ctrl-Break to a child that leads a group; restic takes it as an interrupt.
pub(super) fn send_break(process_id: u32, console: Console) -> io::Result<()> {
    // A process has one console at a time, so two threads must not exchange it together.
    static EXCHANGE: Mutex<()> = Mutex::new(());
    let _exchange = EXCHANGE.lock();
    if console == Console::Own {
        // SAFETY: the call takes a number only.
        check(unsafe { AttachConsole(process_id) })?;
    }
    // SAFETY: the call takes numbers only. The group is the child's, so we are not hit ourselves.
    let sent = check(unsafe { GenerateConsoleCtrlEvent(CTRL_BREAK_EVENT, process_id) });
    if console == Console::Own {
        // SAFETY: the call takes nothing; it gives up the console attached above.
        check(unsafe { FreeConsole() })?;
    }
    sent
}

/// A job object: the child and all its children, ended together when the last handle is closed.
#[derive(Debug)]
pub(super) struct Job(OwnedHandle);

/// What all processes of a job used.
pub(super) struct JobUsage {
    pub(super) user_time: Duration,
    pub(super) system_time: Duration,
    pub(super) peak_memory_bytes: u64,
}

impl Job {
    pub(super) fn new() -> io::Result<Self> {
        // SAFETY: null stands for default security and for no name.
        let handle = unsafe { CreateJobObjectW(null(), null()) };
        if handle.is_null() {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the handle is new, valid and ours.
        let job = Self(unsafe { OwnedHandle::from_raw_handle(handle) });
        let mut limits = JOBOBJECT_EXTENDED_LIMIT_INFORMATION::default();
        limits.BasicLimitInformation.LimitFlags = JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE;
        // SAFETY: pointer and length describe `limits`, which has the type this class of information asks for.
        check(unsafe {
            SetInformationJobObject(
                job.0.as_raw_handle(),
                JobObjectExtendedLimitInformation,
                (&raw const limits).cast(),
                length_of::<JOBOBJECT_EXTENDED_LIMIT_INFORMATION>(),
            )
        })?;
        Ok(job)
    }

    pub(super) fn assign(&self, child: &Child) -> io::Result<()> {
        // SAFETY: both handles are valid while borrowed.
        check(unsafe { AssignProcessToJobObject(self.0.as_raw_handle(), child.as_raw_handle()) })
    }

    pub(super) fn terminate(&self, code: u32) -> io::Result<()> {
        // SAFETY: the handle is valid while borrowed.
        check(unsafe { TerminateJobObject(self.0.as_raw_handle(), code) })
    }

    pub(super) fn usage(&self) -> io::Result<JobUsage> {
        let mut accounting = JOBOBJECT_BASIC_ACCOUNTING_INFORMATION::default();
        let mut limits = JOBOBJECT_EXTENDED_LIMIT_INFORMATION::default();
        // SAFETY: pointers and lengths describe values of the types these classes of information fill.
        unsafe {
            check(QueryInformationJobObject(
                self.0.as_raw_handle(),
                JobObjectBasicAccountingInformation,
                (&raw mut accounting).cast(),
                length_of::<JOBOBJECT_BASIC_ACCOUNTING_INFORMATION>(),
                std::ptr::null_mut(),
            ))?;
            check(QueryInformationJobObject(
                self.0.as_raw_handle(),
                JobObjectExtendedLimitInformation,
                (&raw mut limits).cast(),
                length_of::<JOBOBJECT_EXTENDED_LIMIT_INFORMATION>(),
                std::ptr::null_mut(),
            ))?;
        }
        Ok(JobUsage {
            user_time: ticks(accounting.TotalUserTime),
            system_time: ticks(accounting.TotalKernelTime),
            peak_memory_bytes: limits.PeakProcessMemoryUsed as u64,
        })
    }
}

/// Windows counts time in tenths of a microsecond.
fn ticks(count: i64) -> Duration {
    Duration::from_nanos(u64::try_from(count).unwrap_or_default().saturating_mul(100))
}

fn length_of<T>() -> u32 {
    u32::try_from(size_of::<T>()).unwrap_or(u32::MAX)
}

fn check(result: windows_sys::core::BOOL) -> io::Result<()> {
    if result == 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
