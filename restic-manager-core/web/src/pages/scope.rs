//! A part of the fleet, as it is shown and typed.

use restic_manager_proto::{
    HostId, Scope,
    api::{
        Code, FieldProblem, Nothing, Problem,
        hosts::{self, ByHost},
    },
};
use serde::Serialize;

use super::context::Cx;
use crate::api::Failure;

/// Short enough for a cell of the list; nothing for the whole fleet.
pub(super) fn in_words(scope: &Scope) -> String {
    match scope {
        Scope::All => String::new(),
        Scope::Tags { tags } => tags.iter().map(String::as_str).collect::<Vec<_>>().join(", "),
        Scope::Hosts { hosts } if hosts.len() == 1 => "one host".to_owned(),
        Scope::Hosts { hosts } => format!("{} hosts", hosts.len()),
    }
}

/// For which part of the fleet, as it is shown and typed: hosts by their names.
#[derive(Serialize)]
pub(super) struct ScopeField {
    kind: &'static str,
    tags: String,
    hosts: String,
    error: Option<String>,
}

impl ScopeField {
    /// What was typed, and what is wrong with it.
    pub(super) fn typed(cx: &Cx, error: Option<String>) -> Self {
        let kind = match cx.form.text("scope") {
            "tags" => "tags",
            "hosts" => "hosts",
            _ => "all",
        };
        let text = |name| cx.form.text(name).to_owned();
        Self { kind, tags: text("scope_tags"), hosts: text("scope_hosts"), error }
    }

    /// What is stored.
    pub(super) async fn of(cx: &Cx, scope: &Scope) -> Result<Self, Failure> {
        let mut field = Self { kind: "all", tags: String::new(), hosts: String::new(), error: None };
        match scope {
            Scope::All => {}
            Scope::Tags { tags } => {
                field.kind = "tags";
                field.tags = tags.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
            }
            Scope::Hosts { hosts } => {
                field.kind = "hosts";
                let mut names = Vec::with_capacity(hosts.len());
                for host in hosts {
                    // One that was removed is left out: it cannot be chosen again.
                    match cx.api.get::<hosts::Show>(ByHost { host: *host }, Nothing {}).await {
                        Ok(host) => names.push(host.name),
                        Err(Failure::Refused(problem)) if problem.status == 404 => {}
                        Err(failure) => return Err(failure),
                    }
                }
                field.hosts = names.join(", ");
            }
        }
        Ok(field)
    }
}

/// The scope that was typed, or what is wrong with it.
pub(super) async fn chosen(cx: &Cx) -> Result<Result<Scope, Problem>, Failure> {
    match ScopeField::typed(cx, None).kind {
        "tags" => Ok(Ok(Scope::tags(cx.form.words("scope_tags")))),
        "hosts" => {
            let mut found = Vec::new();
            for name in cx.form.words("scope_hosts").into_iter().take(Scope::MOST_HOSTS + 1) {
                match named(cx, &name).await? {
                    Some(host) => found.push(host),
                    None => return Ok(Err(no_such_host(&name))),
                }
            }
            Ok(Ok(Scope::hosts(found)))
        }
        _ => Ok(Ok(Scope::All)),
    }
}

async fn named(cx: &Cx, name: &str) -> Result<Option<HostId>, Failure> {
    let filter = hosts::Filter { text: Some(name.to_owned()), limit: Some(500), ..hosts::Filter::default() };
    let found = cx.api.get::<hosts::List>(Nothing {}, filter).await?;
    Ok(found.items.iter().find(|host| host.name.eq_ignore_ascii_case(name)).map(|host| host.id))
}

fn no_such_host(name: &str) -> Problem {
    let message = format!("there is no host named {name}");
    let mut problem = Problem::new(Code::Invalid, message.clone(), "correct the name and send it again");
    problem.fields.push(FieldProblem { field: "scope".to_owned(), message });
    problem
}
