//! What a page's function is given, and what every signed-in page needs first.

use http::{HeaderMap, Method, Request, header, request};
use restic_manager_proto::{
    Timestamp,
    api::{Code, Nothing, Problem, fleet, session},
    vocabulary::Role,
};
use std::{str::FromStr, sync::Arc};

use super::{form_state::FormState, problem::refused};
use crate::{
    api::{Api, Failure},
    body::Body,
    forms::Form,
    kept::Kept,
    view::{
        Account, Action, Banner, FleetSentence, FormTokens, Frame, Moment, RailCount, Section, Toast, Tone,
    },
};

/// One request for a page.
#[derive(Clone)]
pub(crate) struct Cx {
    pub(crate) api: Api,
    pub(crate) now: Timestamp,
    pub(crate) method: Method,
    pub(crate) headers: HeaderMap,
    pub(crate) path: String,
    pub(crate) query: Form,
    /// What was posted; empty for a reading request.
    pub(crate) form: Form,
    /// The request asks on behalf of a live part of a page that is already open.
    pub(crate) partial: bool,
    /// Forms that wait for a proof of identity.
    pub(crate) kept: Arc<Kept>,
    /// Names the forms of the page that this request shows.
    once: String,
    raw_query: String,
    parameters: Vec<(String, String)>,
}

/// What the shell gives to every request.
pub(crate) struct Ambient {
    pub(crate) now: Timestamp,
    pub(crate) once: [u8; 12],
    pub(crate) kept: Arc<Kept>,
}

impl Cx {
    pub(crate) fn new(
        request: Request<Body>,
        parameters: Vec<(String, String)>,
        ambient: &Ambient,
        api: impl FnOnce(&request::Parts) -> Api,
    ) -> (Self, Body) {
        let (parts, body) = request.into_parts();
        let raw_query = parts.uri.query().unwrap_or_default().to_owned();
        let cx = Self {
            api: api(&parts),
            now: ambient.now,
            kept: Arc::clone(&ambient.kept),
            once: ambient.once.iter().map(|byte| format!("{byte:02x}")).collect(),
            method: parts.method,
            path: parts.uri.path().to_owned(),
            query: Form::parse(raw_query.as_bytes()),
            form: Form::default(),
            partial: parts.headers.contains_key("hx-request"),
            headers: parts.headers,
            raw_query,
            parameters,
        };
        (cx, body)
    }

    /// Path and query, as the browser shows them.
    pub(crate) fn address(&self) -> String {
        if self.raw_query.is_empty() {
            self.path.clone()
        } else {
            format!("{}?{}", self.path, self.raw_query)
        }
    }

    /// A value of the address; one that cannot be is not found.
    pub(crate) fn parameter<T: FromStr>(&self, name: &str) -> Result<T, Failure> {
        let found = self.parameters.iter().find(|(known, _)| known == name);
        let parsed = found.and_then(|(_, value)| value.parse().ok());
        parsed.ok_or_else(|| refused(Code::NotFound, "check the address, or look for it on the overview"))
    }

    /// A value of the query; one that cannot be is as good as absent.
    pub(crate) fn choice<T: FromStr>(&self, name: &str) -> Option<T> {
        self.query.given(name)?.parse().ok()
    }

    pub(crate) fn moment(&self, moment: Timestamp) -> Moment {
        Moment::new(moment, self.now)
    }

    pub(crate) fn moment_of(&self, moment: Option<Timestamp>) -> Option<Moment> {
        moment.map(|moment| self.moment(moment))
    }

    /// The state of the form that posts to one of these addresses.
    pub(crate) fn form_at<'a>(&'a self, addresses: &[&str], problem: Option<&'a Problem>) -> FormState<'a> {
        let posted = self.method == Method::POST && addresses.contains(&self.path.as_str());
        FormState::new(posted.then_some(&self.form), problem)
    }

    /// What the form changes, as old as it was when the page showed it.
    pub(crate) fn version(&self) -> i64 {
        self.form.text("version").parse().unwrap_or(0)
    }

    /// A cookie of the browser's.
    pub(crate) fn cookie(&self, name: &str) -> Option<&str> {
        let pairs = self
            .headers
            .get_all(header::COOKIE)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|line| line.split(';'));
        pairs
            .filter_map(|pair| pair.trim().split_once('='))
            .find(|(known, _)| *known == name)
            .map(|(_, value)| value)
    }

    /// The colours that the browser was told to keep to; its own choice when none.
    pub(crate) fn theme(&self) -> Option<&'static str> {
        match self.cookie(THEME_COOKIE) {
            Some("light") => Some("light"),
            Some("dark") => Some("dark"),
            _ => None,
        }
    }

    /// Who asks, and how the fleet is.
    pub(crate) async fn caller(&self) -> Result<Caller, Failure> {
        let (session, fleet) = tokio::try_join!(
            self.api.get::<session::Show>(Nothing {}, Nothing {}),
            self.api.get::<fleet::Show>(Nothing {}, Nothing {}),
        )?;
        Ok(Caller { session, fleet })
    }

    /// The frame of a page that needs nobody signed in.
    pub(crate) fn bare_frame(&self, title: &str) -> Frame {
        let mut frame = Frame::new(title, Section::None);
        frame.theme = self.theme();
        frame
    }
}

/// Keeps the choice of colours; holds nothing else and needs no protection.
pub(crate) const THEME_COOKIE: &str = "rm_theme";

/// A signed-in user in front of a fleet.
pub(crate) struct Caller {
    pub(crate) session: session::Session,
    pub(crate) fleet: fleet::Fleet,
}

impl Caller {
    pub(crate) fn frame(&self, cx: &Cx, title: impl Into<String>, section: Section) -> Frame {
        let mut frame = Frame::new(title, section);
        frame.theme = cx.theme();
        frame.answers_form = cx.method == Method::POST;
        frame.account = Some(Account { name: self.session.name.clone(), role: self.session.role.as_str() });
        frame.csrf = FormTokens { token: self.session.csrf_token.expose().to_owned(), once: cx.once.clone() };
        frame.fleet = Some(sentence(&self.fleet));
        frame.count(Section::Alerts, alerts(&self.fleet));
        if self.denied(Role::Admin).is_none() {
            frame.count(Section::Hosts, announced(&self.fleet));
        }
        frame.second_factor = second_factor(&self.session, &cx.path);
        frame.toast =
            cx.query.given("done").and_then(toast).map(|text| Toast { text, href: cx.path.clone() });
        frame
    }

    /// Why this user may not do what `needed` may; none when allowed.
    pub(crate) fn denied(&self, needed: Role) -> Option<String> {
        (!self.session.role.includes(needed))
            .then(|| format!("needs the role {needed}; yours is {}", self.session.role))
    }
}

/// The page on which a second factor is set up.
pub(super) const TWO_FACTOR: &str = "/settings/two-factor";

/// What is asked of who has no second factor: of admins on every page, of others where one is set up.
fn second_factor(session: &session::Session, path: &str) -> Option<Banner> {
    let there = path.starts_with(TWO_FACTOR);
    let (tone, icon, title) = match session.role {
        _ if session.second_factor_missing => {
            (Tone::Warn, "triangle-alert", "This server asks admins for a second factor")
        }
        _ if session.second_factor => return None,
        Role::Admin => (
            Tone::Warn,
            "triangle-alert",
            "Your password alone opens this account, and with it the whole fleet",
        ),
        _ if there => (Tone::Unknown, "info", "Your password alone opens this account"),
        _ => return None,
    };
    let detail = match session.second_factor_missing {
        true => "Until you have one, you may look and not act.",
        false => "With an app or a passkey, a stolen password is not enough. It takes a minute.",
    };
    Some(Banner {
        tone,
        icon,
        title: title.to_owned(),
        detail: Some(detail.to_owned()),
        proof: None,
        action: (!there).then(|| Action { label: "Set one up".to_owned(), href: TWO_FACTOR.to_owned() }),
    })
}

/// Alerts that nobody has taken on, in the colour of the gravest.
fn alerts(fleet: &fleet::Fleet) -> RailCount {
    let tone = match fleet {
        fleet if fleet.alerts_critical > 0 => Tone::Bad,
        fleet if fleet.alerts_warning > 0 => Tone::Warn,
        _ => Tone::Unknown,
    };
    let number = fleet.alerts_critical + fleet.alerts_warning + fleet.alerts_info;
    RailCount { id: "waiting", tone, number, word: "open" }
}

/// Hosts that wait for an admin.
fn announced(fleet: &fleet::Fleet) -> RailCount {
    RailCount { id: "announced", tone: Tone::Running, number: fleet.pending_hosts, word: "announced" }
}

/// "41 of 42 hosts backed up", and what is the matter with the rest.
fn sentence(fleet: &fleet::Fleet) -> FleetSentence {
    let (tone, icon) = match fleet {
        fleet if fleet.failing > 0 || fleet.alerts_critical > 0 => (Tone::Bad, "circle-x"),
        fleet if fleet.overdue > 0 || fleet.alerts_warning > 0 => (Tone::Warn, "triangle-alert"),
        fleet if fleet.unknown > 0 || fleet.hosts == 0 => (Tone::Unknown, "circle-help"),
        _ => (Tone::Good, "shield-check"),
    };
    let rest: Vec<String> =
        [(fleet.failing, "failing"), (fleet.overdue, "overdue"), (fleet.unknown, "without a snapshot")]
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, word)| format!("{count} {word}"))
            .chain(match alerts(fleet).number {
                0 => None,
                1 => Some("1 alert".to_owned()),
                several => Some(format!("{several} alerts")),
            })
            .collect();
    let first = match fleet.hosts {
        0 => "no hosts yet".to_owned(),
        1 if fleet.good == 1 => "the one host is backed up".to_owned(),
        all if all == fleet.good => format!("all {all} hosts backed up"),
        1 => "0 of 1 host backed up".to_owned(),
        all => format!("{} of {all} hosts backed up", fleet.good),
    };
    FleetSentence { tone, icon, first, rest: Some(rest.join(" · ")).filter(|rest| !rest.is_empty()) }
}

fn toast(done: &str) -> Option<&'static str> {
    TOASTS.iter().find(|(key, _)| *key == done).map(|(_, text)| *text)
}

/// What a page may be told to confirm; the address carries the key, never the text.
const TOASTS: &[(&str, &str)] = &[
    ("registration-open", "Hosts can join by token, and by nothing else."),
    (
        "announcements-on",
        "Hosts can join by token, and announce themselves. Those that do wait for an admin for an hour.",
    ),
    ("host-accepted", "The host was accepted. Its agent is told, and connects within seconds."),
    ("host-rejected", "The host was rejected; its agent is told and ends."),
    ("host-purged", "What was kept of the host is gone. Its snapshots stay in the repositories."),
    ("registration-closed", "The server is closed to new hosts. Those that have joined go on as before."),
    ("bootstrap", "The first admin exists, and you are signed in. Add your first host next."),
    ("host-updated", "The host was changed."),
    (
        "token-asked",
        "Another token was asked for. A connected agent has it within seconds, another when it comes.",
    ),
    (
        "host-removed",
        "The host was removed and its agent cut off. Its history stays among the removed hosts, its snapshots in the repository.",
    ),
    ("invitation-withdrawn", "The invitation was withdrawn; its token opens nothing any more."),
    ("attached", "The host uses the repository now; it is being checked."),
    ("detached", "The host no longer uses the repository."),
    ("hooks-set", "The hooks were saved."),
    ("hooks-removed", "The hooks were removed."),
    ("source-added", "The source group was added."),
    ("schedule-added", "The schedule was added; the host is told."),
    ("schedule-updated", "The schedule was changed; the host is told."),
    ("schedule-removed", "The schedule was removed; the host is told."),
    ("source-updated", "The source group was changed."),
    ("retention-saved", "The retention policy was saved; the next forget follows it."),
    ("upkeep-updated", "The upkeep was changed."),
    ("source-removed", "The source group was removed. Its snapshots stay."),
    ("repository-added", "The repository was added."),
    ("repository-updated", "The repository was changed."),
    ("repository-removed", "The repository was forgotten here; its data stays where it is."),
    ("secret-set", "The secret was stored, sealed."),
    ("confirmed", "Confirmed for ten minutes. What you had sent could not be kept: send it once more."),
    ("not-kept", "What you had sent could not be kept: send it once more."),
    ("app-added", "The app is set up. From now on signing in asks for its code."),
    ("passkey-added", "The passkey was added. It can sign you in."),
    ("codes-renewed", "There are ten new recovery codes; the old ones open nothing any more."),
    ("factor-removed", "It was removed and opens nothing any more."),
    ("maintenance-announced", "The maintenance was announced."),
    ("maintenance-ended", "The maintenance is over."),
    ("frozen", "Forget and prune are frozen."),
    ("freeze-lifted", "The freeze is lifted; the next forget goes on."),
    ("channel-made", "The channel was added. Send a test through it."),
    ("channel-updated", "The channel was saved."),
    ("channel-removed", "The channel was removed."),
    ("channel-tested", "The test is on its way; what became of it is told below."),
    ("route-made", "The route was added."),
    ("route-updated", "The route was saved."),
    ("route-removed", "The route was removed."),
    ("silence-made", "Nobody is told of these alerts for now."),
    ("silence-ended", "The silence is over."),
    ("token-revoked", "The token was revoked; it opens nothing any more."),
    ("cancelled", "The job was asked to stop."),
    ("password", "The password was changed, and every other session of yours has ended."),
    ("setup", "Your password is set, and you are signed in."),
    ("user-updated", "The user was changed."),
    ("user-refused", "Sign-in is refused from now on, and every session has ended."),
    ("user-allowed", "Sign-in is allowed again."),
    ("user-sessions-ended", "Every session of this user was ended."),
    ("user-factors-removed", "The second factor was removed, and every session of this user has ended."),
    ("link-withdrawn", "The setup link was withdrawn; it opens nothing any more."),
    ("session-ended", "The session was ended."),
    ("sessions-ended", "Every other session of yours was ended."),
    ("alert-acknowledged", "The alert is taken on; it stays listed and is counted no more."),
    ("alert-resolved", "The alert is closed. If the same is found again, a new one is raised."),
    ("theme", "The colours were changed."),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alert_that_nobody_took_on_takes_the_green_away() {
        let mut fleet = fleet::Fleet::default();
        (fleet.hosts, fleet.good, fleet.alerts_warning) = (2, 2, 1);
        let told = sentence(&fleet);
        assert_eq!((told.tone, told.rest.as_deref()), (Tone::Warn, Some("1 alert")));
        (fleet.alerts_critical, fleet.alerts_info) = (1, 1);
        let told = sentence(&fleet);
        assert_eq!((told.tone, told.rest.as_deref()), (Tone::Bad, Some("3 alerts")));
    }

    #[test]
    fn who_only_looks_for_want_of_a_second_factor_is_told_whatever_the_role_seems() {
        let mut session = session::Session::new(
            restic_manager_proto::UserId::from_bytes([1; 16]),
            "ada",
            Role::Viewer,
            restic_manager_proto::SecretText::new(""),
            Timestamp::from_milliseconds(0),
        );
        assert!(second_factor(&session, "/").is_none());
        assert_eq!(second_factor(&session, TWO_FACTOR).unwrap().tone, Tone::Unknown);
        session.second_factor_missing = true;
        let told = second_factor(&session, "/hosts").unwrap();
        assert!(told.detail.unwrap().contains("not act") && told.action.is_some());
        assert!(second_factor(&session, "/settings/two-factor/app").unwrap().action.is_none());
        (session.second_factor_missing, session.role) = (false, Role::Admin);
        assert!(second_factor(&session, "/").is_some());
        session.second_factor = true;
        assert!(second_factor(&session, "/").is_none());
    }

    fn told(hosts: u64, good: u64, overdue: u64, failing: u64) -> (Tone, String) {
        let mut fleet = fleet::Fleet::default();
        (fleet.hosts, fleet.good, fleet.overdue, fleet.failing) = (hosts, good, overdue, failing);
        fleet.unknown = hosts - good - overdue - failing;
        let sentence = sentence(&fleet);
        (sentence.tone, format!("{} | {}", sentence.first, sentence.rest.unwrap_or_default()))
    }

    #[test]
    fn the_fleet_is_green_only_when_every_host_is() {
        assert_eq!(told(0, 0, 0, 0), (Tone::Unknown, "no hosts yet | ".to_owned()));
        assert_eq!(told(42, 42, 0, 0), (Tone::Good, "all 42 hosts backed up | ".to_owned()));
        assert_eq!(told(42, 41, 1, 0), (Tone::Warn, "41 of 42 hosts backed up | 1 overdue".to_owned()));
        assert_eq!(
            told(4, 1, 1, 1),
            (Tone::Bad, "1 of 4 hosts backed up | 1 failing · 1 overdue · 1 without a snapshot".to_owned())
        );
        assert_eq!(
            told(2, 1, 0, 0),
            (Tone::Unknown, "1 of 2 hosts backed up | 1 without a snapshot".to_owned())
        );
    }
}
