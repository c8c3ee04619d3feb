//! The restic-manager web engine.
