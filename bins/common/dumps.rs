//! Memory that holds secrets is not written to a disk when the program crashes.

use rustix::process::{Resource, Rlimit, setrlimit};

/// From now on neither this program nor what it starts leaves a core file, and no other program of the same user reads
/// its memory.
pub(crate) fn forbid() -> std::io::Result<()> {
    setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })?;
    #[cfg(target_os = "linux")]
    rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use rustix::process::getrlimit;

    use super::*;

    #[test]
    fn no_core_file_is_left() {
        forbid().expect("the system lets a program have less");
        let limit = getrlimit(Resource::Core);
        assert_eq!((limit.current, limit.maximum), (Some(0), Some(0)));
        #[cfg(target_os = "linux")]
        assert_eq!(
            rustix::process::dumpable_behavior().expect("it is known"),
            rustix::process::DumpableBehavior::NotDumpable
        );
    }
}
