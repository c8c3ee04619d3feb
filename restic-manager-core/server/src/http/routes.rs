//! The table of routes: every way into the server, who may take it, and what it leaves in the audit log.

use restic_manager_proto::{
    api::{Endpoint, events, jobs, server, session},
    vocabulary::{Action, Role},
};

use super::{
    plain,
    route::{
        Access::{Agent, Public, Role as Needs},
        Audited::{As, No},
        Route, routes,
    },
};
use crate::{agents, app};

const READS: &str = "it only reads";

/// Every route.
pub const ROUTES: &[Route] = routes! {
    plain::Health, Public, No(READS) => app::server::health;
    plain::Readiness, Public, No(READS) => app::server::readiness;
    server::Version, Public, No(READS) => app::server::version;
    server::OpenApi, Public, No(READS) => app::server::openapi;

    server::BootstrapState, Public, No(READS) => app::bootstrap::state;
    server::CreateFirstAdmin, Public, As(Action::Bootstrap) => app::bootstrap::create;

    session::Create, Public, As(Action::Login) => app::session::create;
    session::Show, Needs(Role::Viewer), No(READS) => app::session::show;
    session::Delete, Needs(Role::Viewer), As(Action::Logout) => app::session::delete;

    jobs::List, Needs(Role::Viewer), No(READS) => app::jobs::list;
    jobs::Show, Needs(Role::Viewer), No(READS) => app::jobs::show;
    jobs::Create, Needs(Role::Operator), As(Action::JobCreate) => app::jobs::create;
    jobs::Cancel, Needs(Role::Operator), As(Action::JobCancel) => app::jobs::cancel;
    jobs::Log, Needs(Role::Viewer), No(READS) => app::jobs::download;
    jobs::Stream, Needs(Role::Viewer), No(READS) => app::jobs::stream;

    plain::AgentSocket, Agent, No("what an agent does there is audited by itself") => agents::socket;

    events::Stream, Needs(Role::Viewer), No(READS) => app::events::stream;
};
