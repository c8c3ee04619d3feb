use std::path::PathBuf;

use super::{
    backend::Backend,
    draft::{Draft, Side, Variable},
    error::CommandError,
    secret::Secret,
};

/// A repository: where it lives and what opens it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Repository {
    /// The storage.
    pub backend: Backend,
    /// What decrypts it.
    pub password: Password,
    /// The id of the key to try first; saves time where a repository has many.
    pub key_hint: Option<String>,
}

impl Repository {
    /// A repository on `backend`, opened by `password`.
    pub fn new(backend: impl Into<Backend>, password: Password) -> Self {
        Self { backend: backend.into(), password, key_hint: None }
    }
}

/// The password of a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Password {
    /// The password itself. It reaches restic through an inherited pipe, on Windows through the environment.
    Text(Secret),
    /// A file that holds it, readable by restic only.
    File(PathBuf),
    /// The repository has none (restic 0.17 or newer).
    None,
}

impl Repository {
    /// Puts location, credentials and password into a draft.
    pub(super) fn write(&self, side: Side, draft: &mut Draft) {
        self.backend.write(side, draft);
        match &self.password {
            Password::Text(secret) => {
                check_password(secret, draft);
                draft.secret_file(side.name("PASSWORD_FILE"), Some(side.name("PASSWORD")), secret.clone());
            }
            Password::File(file) => {
                draft.text("a password file", file.as_os_str());
                draft.set(side.name("PASSWORD_FILE"), Variable::plain(file));
            }
            Password::None => draft.flag(side.insecure_flag()),
        }
        if let Some(hint) = &self.key_hint {
            draft.hex("a key id", hint);
            draft.set(side.name("KEY_HINT"), Variable::plain(hint));
        }
    }
}

/// What restic reads from a file is trimmed, so such a password would silently become another one.
pub(super) fn check_password(secret: &Secret, draft: &mut Draft) {
    let text = secret.expose();
    if text.is_empty() {
        draft.refuse(CommandError::Empty { what: "a password" });
    } else if text.trim() != text || text.starts_with('\u{feff}') || text.contains('\0') {
        draft.refuse(CommandError::Invalid {
            what: "a password",
            reason: "it must not start or end with white space nor hold NUL: restic trims what it reads from a file",
        });
    } else if text.len() > MAX_PASSWORD_BYTES {
        draft.refuse(CommandError::Invalid { what: "a password", reason: "it is longer than 4096 bytes" });
    }
}

/// Far below the size of a pipe, so that handing it over cannot block.
const MAX_PASSWORD_BYTES: usize = 4096;
