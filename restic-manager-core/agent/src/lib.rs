//! The restic-manager agent engine.
