//! The stock restic-manager web.

fn main() {}
