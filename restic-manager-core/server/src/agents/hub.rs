//! Which agents are connected.

/// The connected agents.
#[derive(Debug, Default)]
pub(crate) struct Hub {}

impl Hub {
    pub(crate) fn new() -> Self {
        Self {}
    }
}
