//! The stock restic-manager server.

fn main() {}
