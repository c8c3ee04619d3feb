//! A part of the fleet, as it is shown and typed.

use restic_manager_proto::{
    HostId, Scope,
    api::{
        MAX_PAGE_SIZE, Nothing,
        hosts::{self, ByHost},
    },
};
use std::collections::BTreeSet;

use super::{context::Cx, form_reader::FormReader, form_state::FormState};
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

/// Adds the fields to a form: hosts stand there by their names.
pub(super) async fn fill(cx: &Cx, form: &mut FormState<'_>, stored: &Scope) -> Result<(), Failure> {
    let (mut kind, mut tags, mut hosts) = ("all", String::new(), String::new());
    match stored {
        Scope::All => {}
        Scope::Tags { .. } => (kind, tags) = ("tags", in_words(stored)),
        Scope::Hosts { hosts: all } if !form.is_posted() => (kind, hosts) = ("hosts", names(cx, all).await?),
        Scope::Hosts { .. } => kind = "hosts",
    }
    form.text("scope", kind).text("scope_tags", &tags).text("scope_hosts", &hosts);
    Ok(())
}

/// One that was removed is left out: it cannot be chosen again.
async fn names(cx: &Cx, hosts: &BTreeSet<HostId>) -> Result<String, Failure> {
    let mut names = Vec::with_capacity(hosts.len());
    for host in hosts {
        match cx.api.get::<hosts::Show>(ByHost { host: *host }, Nothing {}).await {
            Ok(host) => names.push(host.name),
            Err(Failure::Refused(problem)) if problem.status == 404 => {}
            Err(failure) => return Err(failure),
        }
    }
    Ok(names.join(", "))
}

/// The scope that was typed; what is wrong with it is told to the reader.
pub(super) async fn read(cx: &Cx, reader: &mut FormReader<'_>) -> Result<Option<Scope>, Failure> {
    Ok(match reader.form.text("scope") {
        "all" => Some(Scope::All),
        "tags" => Some(Scope::tags(reader.form.words("scope_tags"))),
        "hosts" => {
            let mut found = Vec::new();
            for name in reader.form.words("scope_hosts").into_iter().take(Scope::MOST_HOSTS + 1) {
                match named(cx, &name).await? {
                    Some(host) => found.push(host),
                    None => reader.refuse("scope", &format!("there is no host named {name}")),
                }
            }
            Some(Scope::hosts(found))
        }
        _ => {
            reader.refuse("scope", "choose one of those offered");
            None
        }
    })
}

/// The host of just this name, on whichever page of those whose names contain it.
async fn named(cx: &Cx, name: &str) -> Result<Option<HostId>, Failure> {
    let mut filter =
        hosts::Filter { text: Some(name.to_owned()), limit: Some(MAX_PAGE_SIZE), ..hosts::Filter::default() };
    for _ in 0..MOST_PAGES {
        let page = cx.api.get::<hosts::List>(Nothing {}, filter.clone()).await?;
        let found = page.items.iter().find(|host| host.name.eq_ignore_ascii_case(name));
        match (found, page.next) {
            (None, Some(next)) => filter.after = Some(next),
            (found, _) => return Ok(found.map(|host| host.id)),
        }
    }
    Ok(None)
}

/// Of 500 hosts each: more than a server has that all contain one name.
const MOST_PAGES: usize = 20;
