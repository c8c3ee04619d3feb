//! End to end: real programs only. Run by `cargo xtask test e2e` and `cargo xtask test browser`.

mod harness;
