//! What a use case is given and gives: the checked caller, the request, the answer, an open socket.

pub(crate) mod body;
pub(crate) mod caller;
pub(crate) mod cookie;
pub(crate) mod device;
pub(crate) mod plain;
pub(crate) mod reply;
pub(crate) mod request;
pub(crate) mod socket;
pub(crate) mod standing;

pub(crate) use caller::{Caller, Cx, Means, User};
pub(crate) use reply::{Download, Payload, Reply, SessionChange};
pub(crate) use request::Request;
pub(crate) use socket::{Socket, close, send_json};
pub(crate) use standing::Standing;
