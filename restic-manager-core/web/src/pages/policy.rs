//! What a host lets its server do, as its own file says; pages tell it before something is saved in vain.

use restic_manager_proto::{
    HostFacts,
    policy::{Act, HookRule, HostPolicy, PolicyReport, PolicySource},
};
use serde::Serialize;

use super::{context::Cx, problem::sentence};
use crate::view::{Banner, Tone};

/// The field that a form sends when somebody saves despite a warning.
const DESPITE: &str = "despite_policy";

/// The policy of a host, for its page.
#[derive(Serialize)]
pub(crate) struct PolicyView {
    problem: Option<Banner>,
    note: Option<&'static str>,
    file: String,
    digest: Option<String>,
    rules: Vec<(&'static str, Vec<String>)>,
}

impl PolicyView {
    /// `None` for a host whose agent says nothing of a policy.
    pub(crate) fn new(facts: &HostFacts) -> Option<Self> {
        let report = facts.policy.as_deref()?;
        let problem = Banner {
            tone: Tone::Bad,
            icon: "circle-x",
            title: "The policy file cannot be used, so this host refuses everything".to_owned(),
            detail: Some(format!(
                "Mend {} on the host; restic-manager-agent check-config says when it is good.",
                report.file
            )),
            proof: Some(report.problem.clone()),
            action: None,
        };
        let unusable = report.source == PolicySource::Unusable;
        Some(Self {
            problem: unusable.then_some(problem),
            note: match report.source {
                PolicySource::Default => Some(
                    "The host has no such file. Everything is allowed but hooks and rclone, which run only when the file says so.",
                ),
                PolicySource::File => {
                    Some("No server can change this file; whoever administers the host does.")
                }
                _ => None,
            },
            file: report.file.clone(),
            digest: Some(report.digest.clone()).filter(|digest| !digest.is_empty()),
            rules: if unusable { Vec::new() } else { rules(&report.rules) },
        })
    }
}

fn allowed(is_allowed: bool) -> String {
    if is_allowed { "allowed" } else { "refused" }.to_owned()
}

fn rules(rules: &HostPolicy) -> Vec<(&'static str, Vec<String>)> {
    let list = |list: &Option<Vec<String>>| match list {
        None => vec!["anywhere".to_owned()],
        Some(list) if list.is_empty() => vec!["nothing".to_owned()],
        Some(list) => list.clone(),
    };
    let hooks = match &rules.hooks {
        HookRule::Any {} => vec!["any".to_owned()],
        HookRule::Listed { digests } => digests.clone(),
        _ => vec!["none".to_owned()],
    };
    let mut shown = vec![
        ("Backups of", list(&rules.backup_roots)),
        ("Repositories", list(&rules.repositories)),
        ("rclone", vec![allowed(rules.rclone)]),
        ("Hooks", hooks),
    ];
    let limits = [("Upload at most", rules.upload_limit_kib), ("Download at most", rules.download_limit_kib)];
    shown.extend(limits.into_iter().filter_map(|(name, kib)| Some((name, vec![format!("{} KiB/s", kib?)]))));
    shown
}

/// What stands above a form whose content a host will refuse, and the hidden field that sends it all the same.
#[derive(Default, Serialize)]
pub(crate) struct PolicyWarning {
    field: Option<&'static str>,
    banner: Option<Banner>,
}

impl PolicyWarning {
    /// `None` when nothing is refused, or when somebody has seen the warning and saves despite it.
    pub(crate) fn of(cx: &Cx, facts: &HostFacts, acts: &[Act<'_>]) -> Option<Self> {
        let report = facts.policy.as_deref().filter(|_| cx.form.given(DESPITE).is_none())?;
        let refusals = refusals(report, acts);
        (!refusals.is_empty()).then(|| Self {
            field: Some(DESPITE),
            banner: Some(Banner {
                tone: Tone::Warn,
                icon: "triangle-alert",
                title: "The host will refuse this".to_owned(),
                detail: Some(format!(
                    "{}. Nothing is saved yet. Change it here, let {} on the host allow it, or save it all the same.",
                    refusals.join("; "),
                    report.file
                )),
                proof: None,
                action: None,
            }),
        })
    }

    /// What the form's button says.
    pub(crate) fn label(&self, usual: &'static str) -> &'static str {
        match (self.field, usual) {
            (None, usual) => usual,
            (Some(_), "Attach") => "Attach all the same",
            (Some(_), _) => "Save all the same",
        }
    }
}

/// What stands above a form for something that a host's shell runs, when the host refuses to run it. `digests` names
/// what there is already.
pub(crate) fn hook_warning(facts: &HostFacts, digests: &[&str]) -> Option<Banner> {
    let report = facts.policy.as_deref()?;
    let runs_none = matches!(report.rules.hooks, HookRule::None {} | HookRule::Unknown);
    let any = if runs_none { &[""] } else { digests };
    let acts: Vec<_> = any.iter().map(|digest| Act::RunHook { digest }).collect();
    let refusals = refusals(report, &acts);
    (!refusals.is_empty()).then(|| Banner {
        tone: Tone::Warn,
        icon: "triangle-alert",
        title: "The host refuses to run this, so its backups would fail".to_owned(),
        detail: Some(format!(
            "{} Whoever administers the host allows it in {}.",
            sentence(&refusals.join("; ")),
            report.file
        )),
        proof: None,
        action: None,
    })
}

fn refusals(report: &PolicyReport, acts: &[Act<'_>]) -> Vec<String> {
    let mut refusals: Vec<_> =
        acts.iter().filter_map(|act| report.decide(act).err()).map(|refused| refused.to_string()).collect();
    refusals.dedup();
    let more = refusals.len().saturating_sub(MOST_REFUSALS);
    refusals.truncate(MOST_REFUSALS);
    refusals.extend((more > 0).then(|| format!("and {more} more")));
    refusals
}

/// Refusals that one warning spells out.
const MOST_REFUSALS: usize = 5;
