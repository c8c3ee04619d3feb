//! People, their sessions, factors and tokens.

use http::Response;
use restic_manager_proto::{
    Scope, SecretText,
    api::{
        Code, Problem,
        account::{Account, SignIn},
        api_tokens::ApiToken,
        factors::{Factors, Passkey, TotpStatus},
        maintenance::MaintenanceWindow,
        session::Session,
        setup::Invited,
        users::{InvitedUser, User},
    },
    vocabulary::*,
};
use restic_manager_web::Body;
use std::time::Duration;

use super::{CSRF, Fake, HOSTILE, ProofState, ago, id, now, problem, user_id};

impl Fake {
    pub(super) fn session(&self) -> Session {
        let mut session = Session::new(
            user_id(),
            self.name.clone(),
            self.role,
            SecretText::new(CSRF),
            now().after(Duration::from_secs(36_000)),
        );
        session.second_factor = !self.empty;
        session
    }

    pub(super) fn account(&self) -> Account {
        Account {
            user: user_id(),
            name: self.name.clone(),
            role: self.role,
            scope: Scope::All,
            created_at: ago(9_000_000),
            password_set_at: Some(ago(800_000)),
        }
    }

    pub(super) fn sessions(&self) -> Vec<SignIn> {
        let hostile = self.name == HOSTILE;
        let session = |last, current, user_agent: &str| SignIn {
            id: id(restic_manager_proto::SessionId::from_parts, last),
            current,
            since: ago(40_000),
            last_seen_at: ago(60 * u64::from(last)),
            idle_expires_at: now().after(Duration::from_secs(43_000)),
            expires_at: now().after(Duration::from_secs(500_000)),
            address: Some(if hostile { HOSTILE.to_owned() } else { "192.0.2.44".to_owned() }),
            user_agent: Some(if hostile { HOSTILE.to_owned() } else { user_agent.to_owned() }),
        };
        let firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
        let phone =
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Mobile Safari/604.1";
        match self.empty {
            true => vec![session(1, true, firefox)],
            false => vec![session(1, true, firefox), session(9, false, phone)],
        }
    }

    pub(super) fn user(&self, disabled: bool) -> User {
        User {
            id: user_id(),
            name: self.name.clone(),
            role: Role::Operator,
            scope: Scope::All,
            disabled,
            second_factor: !disabled,
            created_at: ago(9_000_000),
            password_set_at: (!self.enrolled).then(|| ago(800_000)),
            last_login_at: (!self.enrolled).then(|| ago(40_000)),
            setup_link_expires_at: self.enrolled.then(|| now().after(Duration::from_secs(3500))),
            sessions: 2,
            version: 2,
        }
    }

    pub(super) fn factors(&self) -> Factors {
        if self.empty {
            return Factors::default();
        }
        let passkey = |last, last_used_at| Passkey {
            id: id(restic_manager_proto::PasskeyId::from_parts, last),
            name: self.name.clone(),
            created_at: ago(90_000),
            last_used_at,
        };
        Factors {
            totp: Some(TotpStatus { since: ago(900_000), last_used_at: None }),
            recovery_codes_left: 3,
            passkeys: vec![passkey(1, Some(ago(60))), passkey(2, None)],
            no_passkeys_because: None,
            required: false,
        }
    }

    pub(super) fn api_token(&self, days: u64) -> ApiToken {
        ApiToken {
            id: id(restic_manager_proto::ApiTokenId::from_parts, 5),
            name: self.name.clone(),
            maker: self.name.clone(),
            role: Role::Operator,
            scope: if days == 3 { Scope::tags(["berlin", "paris"]) } else { Scope::All },
            dangerous: days == 3,
            created_at: ago(9_000_000),
            expires_at: now().after(Duration::from_secs(days * 86_400)),
            last_used_at: (days > 0).then(|| ago(120)),
            last_address: (days > 0).then(|| "192.0.2.44".to_owned()),
        }
    }

    pub(super) fn maintenance(&self, begins: i64) -> MaintenanceWindow {
        MaintenanceWindow {
            id: id(restic_manager_proto::MaintenanceId::from_parts, 6),
            scope: if begins > 0 { Scope::tags(["berlin"]) } else { Scope::All },
            from: restic_manager_proto::Timestamp::from_milliseconds(now().as_milliseconds() + begins * 1000),
            until: now().after(Duration::from_secs(86_400)),
            reason: self.name.clone(),
            made_by: self.name.clone(),
            created_at: ago(90_000),
            yours: begins > 0,
        }
    }

    pub(super) fn prove(&self, body: &str) -> Response<Body> {
        if !body.contains("right-proof") {
            return problem(&Problem::new(Code::BadCredentials, "", "try again"));
        }
        *self.proof.lock().unwrap() = ProofState::Fresh;
        self.read(&["v1", "session"], "")
    }

    pub(super) fn invited_user(&self) -> InvitedUser {
        InvitedUser {
            user: self.user(false),
            url: SecretText::new("https://backup.example.com/setup#rmu_one-time-token"),
            token: SecretText::new("rmu_one-time-token"),
            expires_at: now().after(Duration::from_secs(3600)),
        }
    }

    pub(super) fn whom(&self) -> Invited {
        Invited {
            name: self.name.clone(),
            role: Role::Operator,
            expires_at: now().after(Duration::from_secs(3000)),
        }
    }
}
