//! With every real restic that is found.

mod cancel;
mod support;
