//! What a row of the table of routes says.

use futures_util::future::BoxFuture;
use http::StatusCode;
use restic_manager_proto::{
    api::{Answer, Endpoint, Method},
    vocabulary::{Action, Role},
};
use schemars::{Schema, SchemaGenerator};

use super::{
    caller::Cx,
    decode::{Input, Request},
    reply::{Rendered, Reply},
};
use crate::failure::Failure;

/// Who may call a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Anybody.
    Public,
    /// Agents, who prove themselves in the first messages of their session.
    Agent,
    /// Signed-in people of this role or a higher one.
    Role(Role),
}

/// Whether a call leaves an audit entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audited {
    /// It does, under this action.
    As(Action),
    /// It does not, for this reason.
    No(&'static str),
}

/// How old the caller's last proof of identity may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// As old as the session.
    Session,
    /// At most ten minutes: for what an open browser alone must not be able to do.
    Recent,
}

/// One row of the table of routes.
#[derive(Clone, Copy)]
pub struct Route {
    /// The endpoint's unique name.
    pub name: &'static str,
    /// What it does, in one sentence.
    pub summary: &'static str,
    /// How it is called.
    pub method: Method,
    /// Where, with its parameters in braces.
    pub path: &'static str,
    /// Status of success.
    pub status: u16,
    /// What the answer is.
    pub answer: Answer,
    /// Whether `If-Match` is required.
    pub conditional: bool,
    /// Who may call it.
    pub access: Access,
    /// Whether a call leaves an audit entry.
    pub audited: Audited,
    /// How old the caller's last proof of identity may be.
    pub proof: Proof,
    pub(super) schemas: fn(&mut SchemaGenerator) -> Schemas,
    pub(super) handle: fn(Cx, Input) -> BoxFuture<'static, Result<Rendered, Failure>>,
}

impl core::fmt::Debug for Route {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Route({} {})", self.method, self.path)
    }
}

/// The schemas of a route's parts.
pub(super) struct Schemas {
    pub(super) path: Schema,
    pub(super) query: Schema,
    pub(super) body: Schema,
    pub(super) response: Schema,
}

impl Schemas {
    pub(super) fn of<E: Endpoint>(generator: &mut SchemaGenerator) -> Self {
        Self {
            path: generator.root_schema_for::<E::Path>(),
            query: generator.root_schema_for::<E::Query>(),
            body: generator.subschema_for::<E::Body>(),
            response: generator.subschema_for::<E::Response>(),
        }
    }
}

/// Decodes the input, runs the use case, renders its reply.
pub(super) async fn run<E, R, F>(
    cx: Cx,
    input: Input,
    use_case: impl FnOnce(Cx, Request<E>) -> F + Send,
) -> Result<Rendered, Failure>
where
    E: Endpoint,
    R: Into<Reply<E::Response>>,
    F: Future<Output = Result<R, Failure>> + Send,
{
    let request = input.decode::<E>()?;
    let status = StatusCode::from_u16(E::STATUS)
        .map_err(|error| Failure::internal("an endpoint has an impossible status", error))?;
    let reply: Reply<E::Response> = use_case(cx, request).await?.into();
    reply.render(status, E::ANSWER)
}

/// Declares rows: `endpoint, access, audited => use case;`, or with `audited, Recent` for what asks for a recent proof.
macro_rules! routes {
    ($($endpoint:ty, $access:expr, $audited:expr $(, $proof:ident)? => $use_case:path;)*) => {
        &[$($crate::http::route::Route {
            name: <$endpoint as Endpoint>::NAME,
            summary: <$endpoint as Endpoint>::SUMMARY,
            method: <$endpoint as Endpoint>::METHOD,
            path: <$endpoint as Endpoint>::PATH,
            status: <$endpoint as Endpoint>::STATUS,
            answer: <$endpoint as Endpoint>::ANSWER,
            conditional: <$endpoint as Endpoint>::CONDITIONAL,
            access: $access,
            audited: $audited,
            proof: routes!(@proof $($proof)?),
            schemas: $crate::http::route::Schemas::of::<$endpoint>,
            handle: |cx, input| Box::pin($crate::http::route::run::<$endpoint, _, _>(cx, input, $use_case)),
        }),*]
    };
    (@proof) => { $crate::http::route::Proof::Session };
    (@proof $proof:ident) => { $crate::http::route::Proof::$proof };
}
pub(super) use routes;
