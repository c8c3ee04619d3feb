use std::ffi::OsStr;

use zeroize::Zeroizing;

use super::percent_encoded;
use crate::command::draft::{Draft, Side, Variable};
use crate::command::error::CommandError;
use crate::command::secret::Secret;

/// A rest-server.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rest {
    /// The address, `https://host:8000/path/`, without user name and password.
    pub url: String,
    /// User name and password, if the server asks for them.
    pub login: Option<Login>,
}

impl Rest {
    /// A repository at `url`, without login.
    pub fn new(url: impl Into<String>) -> Self {
        Self { url: url.into(), login: None }
    }

    /// Adds user name and password.
    #[must_use]
    pub fn with_login(mut self, login: Login) -> Self {
        self.login = Some(login);
        self
    }

    pub(super) fn write(&self, side: Side, draft: &mut Draft) {
        let known = ["http://", "https://", "http+unix://"];
        let Some(scheme) = known.iter().find(|scheme| self.url.starts_with(**scheme)) else {
            return draft.refuse(CommandError::Invalid {
                what: "the address of a rest-server",
                reason: "it must start with https://, http:// or http+unix://",
            });
        };
        let rest = &self.url[scheme.len()..];
        draft.location(side, OsStr::new(&format!("rest:{}", self.url)));
        let Some(login) = &self.login else { return };
        if login.user.is_empty() || login.user.contains(':') {
            draft.refuse(CommandError::Invalid {
                what: "the user name of a rest-server",
                reason: "it must not be empty nor hold a colon",
            });
        }
        if draft.can_share_rest_login() {
            draft.set("RESTIC_REST_USERNAME", Variable::plain(&login.user));
            draft.set("RESTIC_REST_PASSWORD", Variable::Secret(login.password.clone()));
        } else {
            let user = percent_encoded(&login.user, "");
            let password = Zeroizing::new(percent_encoded(login.password.expose(), ""));
            let location = Secret::new(format!("rest:{scheme}{user}:{}@{rest}", *password));
            draft.secret_location(side, location);
        }
    }
}

/// User name and password of an HTTP server.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Login {
    /// The user name; restic prints it.
    pub user: String,
    /// The password.
    pub password: Secret,
}

impl Login {
    /// The pair.
    pub fn new(user: impl Into<String>, password: impl Into<Secret>) -> Self {
        Self { user: user.into(), password: password.into() }
    }
}
