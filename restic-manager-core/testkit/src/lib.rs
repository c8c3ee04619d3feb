//! The restic-manager testkit engine.
