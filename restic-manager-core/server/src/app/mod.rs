//! The use cases, one file per noun. The only code that opens transactions on a caller's behalf.

pub(crate) mod bootstrap;
mod check;
pub(crate) mod events;
pub(crate) mod jobs;
pub(crate) mod server;
pub(crate) mod session;
mod value;
