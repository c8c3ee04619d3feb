//! What a row of the table of routes says.

use futures_util::future::BoxFuture;
use http::StatusCode;
use restic_manager_proto::{
    api::{Answer, Endpoint, Method},
    vocabulary::{Action, Role},
};
use schemars::{JsonSchema, Schema, SchemaGenerator};

use crate::{
    call::{Cx, Reply, Request, reply::Rendered, request::Input},
    domain::scope,
    failure::Failure,
};

/// Who may call a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Anybody.
    Public,
    /// Agents, who prove themselves in the first messages of their session.
    Agent,
    /// Monitoring systems that show the token for metrics or come from a trusted network. Where neither is configured the
    /// row is not there.
    Scraper,
    /// Signed-in people, in their own session: no program with a token.
    Person,
    /// Signed-in people of this role or a higher one, and their programs.
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

/// How a row keeps within the scope of its caller's role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Within {
    /// What the path names must be within the scope. A path that names nothing of a host needs the whole fleet.
    Path,
    /// Besides, it needs a role for the whole fleet.
    Fleet,
    /// It names nothing: the use case shows and takes no more than the scope holds.
    Cut,
    /// It is about the caller alone.
    Own,
}

/// How old the caller's last proof of identity may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProofAge {
    /// As old as the session.
    Session,
    /// At most ten minutes: for what an open browser alone must not be able to do.
    Recent,
}

/// What a row says besides; the strictest scope and the session's age hold where it says nothing.
#[derive(Clone, Copy)]
pub(super) enum Mark {
    /// [`Within::Fleet`].
    Fleet,
    /// [`Within::Cut`].
    Cut,
    /// [`Within::Own`].
    Own,
    /// [`ProofAge::Recent`].
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
    /// How it keeps within the caller's scope.
    pub within: Within,
    /// How old the caller's last proof of identity may be.
    pub proof: ProofAge,
    pub(super) schemas: fn(&mut SchemaGenerator) -> Schemas,
    pub(super) handle: fn(Cx, Input) -> BoxFuture<'static, Result<Rendered, Failure>>,
}

impl Route {
    /// Whether only a role for the whole fleet may call it.
    #[must_use]
    pub fn needs_fleet(&self) -> bool {
        match (self.access, self.within) {
            (Access::Public | Access::Agent | Access::Scraper, _) => false,
            (_, Within::Cut | Within::Own) => false,
            (_, Within::Path) => !scope::names_object(self.path),
            (_, Within::Fleet) => true,
        }
    }
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
    pub(super) fn of<E>(generator: &mut SchemaGenerator) -> Self
    where
        E: Endpoint<Path: JsonSchema, Query: JsonSchema, Body: JsonSchema, Response: JsonSchema>,
    {
        Self {
            path: generator.root_schema_for::<E::Path>(),
            query: generator.root_schema_for::<E::Query>(),
            body: generator.subschema_for::<E::Body>(),
            response: generator.subschema_for::<E::Response>(),
        }
    }
}

impl Route {
    /// The same row with a mark.
    pub(super) const fn marked(mut self, mark: Mark) -> Self {
        match mark {
            Mark::Fleet => self.within = Within::Fleet,
            Mark::Cut => self.within = Within::Cut,
            Mark::Own => self.within = Within::Own,
            Mark::Recent => self.proof = ProofAge::Recent,
        }
        self
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

/// Declares rows: `endpoint, access, audited => use case;`, where a row may say before the arrow how it keeps within
/// the caller's scope, and that it asks for a recent proof.
macro_rules! routes {
    ($($endpoint:ty, $access:expr, $audited:expr $(, $mark:ident)* => $use_case:path;)*) => {
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
            within: $crate::http::route::Within::Path,
            proof: $crate::http::route::ProofAge::Session,
            schemas: $crate::http::route::Schemas::of::<$endpoint>,
            handle: |cx, input| Box::pin($crate::http::route::run::<$endpoint, _, _>(cx, input, $use_case)),
        }$(.marked($crate::http::route::Mark::$mark))*),*]
    };
}
pub(super) use routes;
