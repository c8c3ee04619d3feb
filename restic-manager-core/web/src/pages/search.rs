//! The search of the top line: hosts and repositories by name, jobs by id.

use restic_manager_proto::{
    JobId,
    api::{MAX_PAGE_SIZE, Nothing, hosts, jobs, repositories},
};
use serde::Serialize;

use super::{
    context::Cx,
    respond::{Answer, html, redirect},
};
use crate::{
    render::Template,
    view::{Pill, Section, health_pill},
};

#[derive(Serialize)]
struct SearchPage {
    query: String,
    hosts: Vec<HostHit>,
    repositories: Vec<RepositoryHit>,
    more_hosts: Option<String>,
    /// Not all repositories were searched.
    more_repositories: bool,
}

#[derive(Serialize)]
struct HostHit {
    name: String,
    href: String,
    tags: Vec<String>,
    state: Pill,
}

#[derive(Serialize)]
struct RepositoryHit {
    name: String,
    href: String,
    location: String,
}

impl Template for SearchPage {
    const FILE: &'static str = "pages/search.html";
}

pub(crate) async fn show(cx: Cx) -> Answer {
    let query = cx.query.text("q").to_owned();
    if let Ok(job) = query.parse::<JobId>()
        && cx.api.get::<jobs::Show>(jobs::ByJob { job }, Nothing {}).await.is_ok()
    {
        return Ok(redirect(&format!("/jobs/{job}")));
    }
    let filter = hosts::Filter {
        text: Some(query.clone()).filter(|query| !query.is_empty()),
        limit: Some(20),
        ..hosts::Filter::default()
    };
    let all = repositories::Filter { limit: Some(MAX_PAGE_SIZE), after: None };
    let (caller, hosts, all) = tokio::try_join!(
        cx.caller(),
        cx.api.get::<hosts::List>(Nothing {}, filter),
        cx.api.get::<repositories::List>(Nothing {}, all),
    )?;
    let wanted = query.to_lowercase();
    let matching = all.items.iter().filter(|repository| {
        repository.name.to_lowercase().contains(&wanted)
            || repository.location.to_lowercase().contains(&wanted)
    });
    let page = SearchPage {
        hosts: hosts
            .items
            .iter()
            .map(|host| HostHit {
                name: host.name.clone(),
                href: format!("/hosts/{}", host.id),
                tags: host.tags.clone(),
                state: health_pill(host.health),
            })
            .collect(),
        repositories: matching
            .take(20)
            .map(|repository| RepositoryHit {
                name: repository.name.clone(),
                href: format!("/repositories/{}", repository.id),
                location: repository.location.clone(),
            })
            .collect(),
        more_repositories: all.next.is_some(),
        more_hosts: hosts.next.map(|_| super::respond::link("/hosts", &[("text", Some(&query))])),
        query,
    };
    html(&caller.frame(&cx, "Search", Section::None), &page)
}
