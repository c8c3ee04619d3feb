//! Where agents connect.

use restic_manager_proto::api::Nothing;
use std::sync::Arc;

use crate::{
    agents::{Entrance, serve},
    call::{
        Cx, Reply, Request,
        plain::{AgentSocket, PendingAgentSocket},
    },
    failure::Failure,
};

/// Takes an agent's connection; it proves itself in its first messages.
pub(crate) async fn of_host(cx: Cx, _: Request<AgentSocket>) -> Result<Reply<Nothing>, Failure> {
    let (parts, address) = (Arc::clone(cx.parts()), cx.facts().address);
    Ok(Reply::socket(move |socket| serve(parts, socket, Entrance::Agents, address)))
}

/// Takes the connection of a host that announces itself; it gets its verdict there, and nothing else.
pub(crate) async fn of_announced(cx: Cx, _: Request<PendingAgentSocket>) -> Result<Reply<Nothing>, Failure> {
    let (parts, address) = (Arc::clone(cx.parts()), cx.facts().address);
    Ok(Reply::socket(move |socket| serve(parts, socket, Entrance::Pending, address)))
}
