//! What becomes of a job, whoever asked: wanted, put back, ended.

pub(crate) mod end;
pub(crate) mod queue;
pub(crate) mod wanted;

pub(crate) use wanted::Wanted;
