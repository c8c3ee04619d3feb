//! The other end of agents.

mod hub;

pub(crate) use hub::Hub;
