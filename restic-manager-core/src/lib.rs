//! Rules that the restic-manager engines share.
