//! The restic-manager server engine.
