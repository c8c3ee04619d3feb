//! The stock restic-manager xtask.

fn main() {}
