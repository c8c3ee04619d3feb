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
    /// The password itself. It reaches restic through an inherited pipe; on Windows, and where it begins or ends with
    /// white space, through the environment.
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
            Password::Text(secret) => write_password(secret, side, draft),
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

impl Password {
    /// Whether a text can be the password of a repository: all that restic itself takes by `RESTIC_PASSWORD`, up to
    /// 4096 bytes.
    ///
    /// # Errors
    ///
    /// It is empty, longer, or holds a NUL byte.
    pub fn check(text: &str) -> Result<(), CommandError> {
        const WHAT: &str = "a password";
        if text.is_empty() {
            Err(CommandError::Empty { what: WHAT })
        } else if text.contains('\0') {
            Err(CommandError::Nul { what: WHAT })
        } else if text.len() > MAX_PASSWORD_BYTES {
            Err(CommandError::Invalid { what: WHAT, reason: "it is longer than 4096 bytes" })
        } else {
            Ok(())
        }
    }
}

/// Hands a password over by a pipe or, where restic would trim what it reads there, by a variable.
fn write_password(secret: &Secret, side: Side, draft: &mut Draft) {
    if let Err(problem) = Password::check(secret.expose()) {
        return draft.refuse(problem);
    }
    if survives_a_file(secret.expose()) {
        draft.secret_file(side.name("PASSWORD_FILE"), Some(side.name("PASSWORD")), secret.clone());
    } else {
        draft.set(side.name("PASSWORD"), Variable::Secret(secret.clone()));
    }
}

/// A new password, which restic reads from a file only.
pub(super) fn check_new_password(secret: &Secret, draft: &mut Draft) {
    match Password::check(secret.expose()) {
        Err(problem) => draft.refuse(problem),
        Ok(()) if !survives_a_file(secret.expose()) => draft.refuse(CommandError::Invalid {
            what: "a new password",
            reason: "it must not start or end with white space: restic trims what it reads from a file",
        }),
        Ok(()) => {}
    }
}

/// Whether restic reads from a file what was written to it: white space around it and a byte order mark are dropped.
fn survives_a_file(text: &str) -> bool {
    text.trim() == text && !text.starts_with('\u{feff}')
}

/// Far below the size of a pipe, so that handing it over cannot block.
const MAX_PASSWORD_BYTES: usize = 4096;
