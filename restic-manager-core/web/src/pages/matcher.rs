//! Which alerts, as it is shown and typed: in routes and in silences.

use restic_manager_proto::{
    Matcher, RepositoryId,
    api::{MAX_PAGE_SIZE, Nothing, repositories},
};
use std::collections::BTreeSet;

use super::{context::Cx, form_reader::FormReader, form_state::FormState, scope};
use crate::api::Failure;

/// Adds the fields to a form: repositories stand there by their names.
pub(super) async fn fill(cx: &Cx, form: &mut FormState<'_>, stored: &Matcher) -> Result<(), Failure> {
    let kinds: Vec<_> = stored.kinds.iter().map(|kind| kind.as_str()).collect();
    let names: Vec<_> = repositories(cx, !stored.repositories.is_empty())
        .await?
        .into_iter()
        .filter(|(id, _)| stored.repositories.contains(id))
        .map(|(_, name)| name)
        .collect();
    form.text("severity", stored.severity.as_str())
        .text("kinds", &kinds.join(", "))
        .text("repositories", &names.join(", "));
    scope::fill(cx, form, &stored.scope).await
}

/// What was typed; what is wrong with it is told to the reader.
pub(super) async fn read(cx: &Cx, reader: &mut FormReader<'_>) -> Result<Option<Matcher>, Failure> {
    let severity = reader.choice("severity");
    let mut kinds = BTreeSet::new();
    for word in reader.form.words("kinds") {
        match word.parse() {
            Ok(kind) => drop(kinds.insert(kind)),
            Err(_) => reader.refuse("kinds", &format!("there is no kind of alert called {word}")),
        }
    }
    let named = reader.form.words("repositories");
    let known = repositories(cx, !named.is_empty()).await?;
    let mut chosen = BTreeSet::new();
    for name in named {
        match known.iter().find(|(_, one)| one.eq_ignore_ascii_case(&name)) {
            Some((id, _)) => drop(chosen.insert(*id)),
            None => reader.refuse("repositories", &format!("there is no repository named {name}")),
        }
    }
    let scope = scope::read(cx, reader).await?;
    Ok(severity.zip(scope).map(|(severity, scope)| Matcher { severity, kinds, scope, repositories: chosen }))
}

/// The repositories with their names, where any is asked for.
async fn repositories(cx: &Cx, any: bool) -> Result<Vec<(RepositoryId, String)>, Failure> {
    if !any {
        return Ok(Vec::new());
    }
    let all = repositories::Filter { limit: Some(MAX_PAGE_SIZE), after: None };
    let found = cx.api.get::<repositories::List>(Nothing {}, all).await?;
    Ok(found.items.into_iter().map(|one| (one.id, one.name)).collect())
}
