use std::path::PathBuf;

use super::{draft::Draft, invocation::Stdout, repository::check_new_password, secret::Secret, verb::Write};

/// `restic key`: the passwords of a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Key {
    /// Lists the keys.
    List,
    /// Adds a password.
    Add(NewKey),
    /// Replaces the password in use by another one.
    ChangePassword(NewKey),
    /// Removes a key by id; the one in use cannot be removed.
    Remove(String),
}

/// A password to add.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct NewKey {
    /// The password.
    pub password: NewPassword,
    /// The user name written beside the key.
    pub user: Option<String>,
    /// The host name written beside the key.
    pub host: Option<String>,
}

/// Where a new password comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum NewPassword {
    /// The password itself, handed over by an inherited pipe. Not on Windows, which has none.
    Text(Secret),
    /// A file that holds it, readable by restic only.
    File(PathBuf),
}

impl NewKey {
    /// A password with the names restic finds out by itself.
    pub fn new(password: NewPassword) -> Self {
        Self { password, user: None, host: None }
    }

    fn write(&self, draft: &mut Draft) {
        match &self.password {
            NewPassword::Text(secret) => {
                check_new_password(secret, draft);
                draft.secret_option("--new-password-file", secret.clone());
            }
            NewPassword::File(file) => draft.option("--new-password-file", file),
        }
        draft.option_if("--user", self.user.as_ref());
        draft.option_if("--host", self.host.as_ref());
    }
}

impl Write for Key {
    fn verb(&self) -> &'static str {
        match self {
            Self::List => "key list",
            Self::Add(_) => "key add",
            Self::ChangePassword(_) => "key passwd",
            Self::Remove(_) => "key remove",
        }
    }

    fn write(&self, draft: &mut Draft) {
        draft.stdout(match self {
            Self::List => Stdout::Document,
            _ => Stdout::Text,
        });
        match self {
            Self::List => {}
            Self::Add(key) | Self::ChangePassword(key) => key.write(draft),
            Self::Remove(id) => {
                draft.hex("a key id", id);
                draft.operand("a key id", id);
            }
        }
    }
}
