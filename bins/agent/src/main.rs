//! The stock restic-manager agent.

fn main() {}
