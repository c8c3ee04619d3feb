//! Persistence for restic-manager behind traits.
