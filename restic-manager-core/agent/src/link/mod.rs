//! The connection to the server: dialling, proving, and what is said over it.

mod announce;
mod dial;
mod enrol;
mod introduce;
mod probe;
mod uplink;

pub use announce::{Announcing, announce};
pub use dial::{ConnectError, Dial, DialFuture, Socket, TcpDialer};
pub use enrol::{EnrolError, EnrolRequest, Enrolled, IfEnrolled, enrol};
pub use introduce::LinkError;
pub(crate) use probe::Probe;
pub(crate) use uplink::Uplink;
