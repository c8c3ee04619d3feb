//! Running restic: spawn, pump, cancel, reap.
