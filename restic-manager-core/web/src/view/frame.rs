//! What surrounds every page.

use serde::Serialize;

use super::{Banner, Tone};

/// The sections of the rail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Section {
    Overview,
    Hosts,
    Repositories,
    Jobs,
    Alerts,
    Audit,
    Settings,
    None,
}

/// Title, rail, account, fleet sentence and notices.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Frame {
    pub(crate) title: String,
    pub(crate) crumbs: Vec<Crumb>,
    pub(crate) rail: Vec<RailItem>,
    pub(crate) theme: Option<&'static str>,
    pub(crate) account: Option<Account>,
    pub(crate) csrf: FormTokens,
    pub(crate) fleet: Option<FleetSentence>,
    pub(crate) toast: Option<Toast>,
    pub(crate) notice: Option<Banner>,
    /// What is asked of who has no second factor.
    pub(crate) second_factor: Option<Banner>,
    /// The page watches the fleet's events and refreshes its live parts.
    pub(crate) live: bool,
    /// Without script it is loaded again now and then.
    reloads: bool,
    /// It answers a form: loaded again it would be another page.
    pub(crate) answers_form: bool,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Crumb {
    pub(crate) label: String,
    pub(crate) href: String,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct RailItem {
    label: &'static str,
    short: &'static str,
    icon: &'static str,
    href: &'static str,
    current: bool,
    /// What waits there; kept current by live pages.
    count: Option<RailCount>,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct RailCount {
    pub(crate) id: &'static str,
    pub(crate) tone: Tone,
    pub(crate) number: u64,
    /// What they do, for who listens: `3 open`.
    pub(crate) word: &'static str,
}

/// What each form carries: the session's token, and a name under which sending it twice is done once.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct FormTokens {
    pub(crate) token: String,
    pub(crate) once: String,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Account {
    pub(crate) name: String,
    pub(crate) role: &'static str,
}

/// One sentence about the whole fleet; the second half may give way on narrow screens.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct FleetSentence {
    pub(crate) tone: Tone,
    pub(crate) icon: &'static str,
    pub(crate) first: String,
    pub(crate) rest: Option<String>,
}

/// What was just done; stays until it is dismissed by going to `href`.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Toast {
    pub(crate) text: &'static str,
    pub(crate) href: String,
}

impl Frame {
    pub(crate) fn new(title: impl Into<String>, section: Section) -> Self {
        let rail = RAIL
            .iter()
            .map(|(of, label, short, icon, href)| RailItem {
                label,
                short,
                icon,
                href,
                current: *of == section,
                count: None,
            })
            .collect();
        Self {
            title: title.into(),
            crumbs: Vec::new(),
            rail,
            theme: None,
            account: None,
            csrf: FormTokens::default(),
            fleet: None,
            toast: None,
            notice: None,
            second_factor: None,
            live: false,
            reloads: false,
            answers_form: false,
        }
    }

    pub(crate) fn crumb(mut self, label: impl Into<String>, href: impl Into<String>) -> Self {
        self.crumbs.push(Crumb { label: label.into(), href: href.into() });
        self
    }

    /// Marks a section with what waits there.
    pub(crate) fn count(&mut self, section: Section, count: RailCount) {
        let place = RAIL.iter().position(|(of, ..)| *of == section);
        if let Some(item) = place.and_then(|place| self.rail.get_mut(place)) {
            item.count = Some(count);
        }
    }

    pub(crate) fn live(self) -> Self {
        Self { live: true, ..self }
    }

    /// Live, and without script loaded again: only for pages that hold nothing typed and nothing shown once.
    pub(crate) fn reloads(self) -> Self {
        Self { reloads: !self.answers_form, ..self.live() }
    }

    pub(crate) fn notice(self, notice: Option<Banner>) -> Self {
        Self { notice, ..self }
    }
}

const RAIL: &[(Section, &str, &str, &str, &str)] = &[
    (Section::Overview, "Overview", "Overview", "layout-dashboard", "/"),
    (Section::Hosts, "Hosts", "Hosts", "server", "/hosts"),
    (Section::Repositories, "Repositories", "Repos", "database", "/repositories"),
    (Section::Jobs, "Jobs", "Jobs", "list-checks", "/jobs"),
    (Section::Alerts, "Alerts", "Alerts", "bell", "/alerts"),
    (Section::Audit, "Audit", "Audit", "scroll-text", "/audit"),
    (Section::Settings, "Settings", "Settings", "settings", "/settings"),
];
