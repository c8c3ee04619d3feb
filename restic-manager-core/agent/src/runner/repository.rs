//! From what an order says of a repository to what restic is told.

use restic_manager_proto::{RepositorySecrets, SecretText, TransportCredential, vocabulary::RepositoryState};
use restic_manager_restic::{
    Cause,
    command::{
        Backend, Connection, Custom, Environment, Google, GoogleCredential, Local, Login, Password,
        Repository, Rest, Secret,
    },
    process::Stop,
};

use super::stage::Ran;

/// A credential does not fit the place it is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("use a {credential} credential for this location; {advice}")]
pub(super) struct CredentialError {
    credential: &'static str,
    advice: &'static str,
}

/// Variables that would change which programs run, or how; no storage needs them.
const FORBIDDEN_VARIABLES: &[&str] = &[
    "BASH_ENV", "DYLD_", "ENV", "GODEBUG", "HOME", "IFS", "LANG", "LC_", "LD_", "PATH", "RESTIC_", "SHELL",
    "TMP",
];

/// Joins location and secrets.
pub(super) fn connection(
    location: &str,
    secrets: RepositorySecrets,
    environment: Environment,
) -> Result<Connection, CredentialError> {
    // ssh would take such a host for an option.
    let ssh_host = location.strip_prefix("sftp:").map(|rest| rest.trim_start_matches('/'));
    if ssh_host.is_some_and(|rest| rest.rsplit('@').any(|host| host.starts_with('-'))) {
        return Err(CredentialError { credential: "ssh", advice: "the name of its host starts with a dash" });
    }
    let backend = backend(location, secrets.credential)?;
    let password = Password::Text(secret(secrets.password));
    Ok(Connection::new(Repository::new(backend, password), environment))
}

/// What a look at a repository found; `None` when it was broken off.
pub(super) fn state(ran: &Ran) -> Option<RepositoryState> {
    let finished = &ran.finished;
    if finished.stop == Some(Stop::DeadlinePassed) {
        return Some(RepositoryState::Unreachable);
    }
    let cause = finished.outcome.cause;
    if ran.stopped.is_some() && !cause.is_success() {
        return None;
    }
    Some(match cause {
        // A lock is only seen by who has opened the repository.
        Cause::Success | Cause::Locked => RepositoryState::Ready,
        Cause::RepositoryMissing => RepositoryState::Missing,
        Cause::WrongPassword => RepositoryState::WrongPassword,
        Cause::Permission => RepositoryState::AccessDenied,
        Cause::Unreachable => RepositoryState::Unreachable,
        _ => RepositoryState::Failed,
    })
}

fn backend(location: &str, credential: Option<TransportCredential>) -> Result<Backend, CredentialError> {
    if let Some(url) = location.strip_prefix("rest:") {
        return rest(url, credential);
    }
    match credential {
        None if !location.contains(':') => Ok(Local::new(location).into()),
        None => Ok(Custom::new(location).into()),
        Some(TransportCredential::Rest { .. }) => {
            Err(CredentialError { credential: "rest", advice: "its location starts with rest:" })
        }
        Some(TransportCredential::Google { project_id, service_account }) => {
            google(location, project_id, service_account)
        }
        Some(TransportCredential::Environment { variables })
            if variables.keys().any(|name| is_forbidden(name)) =>
        {
            Err(CredentialError {
                credential: "environment",
                advice: "it holds a variable that decides which programs run, such as PATH or LD_PRELOAD",
            })
        }
        Some(credential) => Ok(custom(location, credential).into()),
    }
}

fn is_forbidden(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    FORBIDDEN_VARIABLES.iter().any(|forbidden| name.starts_with(forbidden))
}

fn rest(url: &str, credential: Option<TransportCredential>) -> Result<Backend, CredentialError> {
    let rest = Rest::new(url);
    match credential {
        None => Ok(rest.into()),
        Some(TransportCredential::Rest { username, password }) => {
            Ok(rest.with_login(Login::new(username, secret(password))).into())
        }
        Some(_) => {
            Err(CredentialError { credential: "non-rest", advice: "a rest-server takes user and password" })
        }
    }
}

fn google(
    location: &str,
    project_id: String,
    service_account: SecretText,
) -> Result<Backend, CredentialError> {
    let place = location.strip_prefix("gs:").and_then(|place| place.split_once(':'));
    let Some((bucket, prefix)) = place else {
        return Err(CredentialError { credential: "google", advice: "its location is gs:bucket:/folder" });
    };
    let mut google = Google::new(bucket, GoogleCredential::ServiceAccount(secret(service_account)));
    google.prefix = Some(prefix.trim_start_matches('/').to_owned()).filter(|prefix| !prefix.is_empty());
    google.project_id = Some(project_id);
    Ok(google.into())
}

fn custom(location: &str, credential: TransportCredential) -> Custom {
    let mut custom = Custom::new(location);
    match credential {
        TransportCredential::S3 { access_key_id, secret_access_key, region } => {
            custom.secrets.push(("AWS_ACCESS_KEY_ID".to_owned(), Secret::new(access_key_id)));
            custom.secrets.push(("AWS_SECRET_ACCESS_KEY".to_owned(), secret(secret_access_key)));
            custom.variables.extend(region.map(|region| ("AWS_DEFAULT_REGION".to_owned(), region)));
        }
        TransportCredential::B2 { account_id, account_key } => {
            custom.secrets.push(("B2_ACCOUNT_ID".to_owned(), Secret::new(account_id)));
            custom.secrets.push(("B2_ACCOUNT_KEY".to_owned(), secret(account_key)));
        }
        TransportCredential::Azure { account_name, account_key } => {
            custom.variables.push(("AZURE_ACCOUNT_NAME".to_owned(), account_name));
            custom.secrets.push(("AZURE_ACCOUNT_KEY".to_owned(), secret(account_key)));
        }
        TransportCredential::Environment { variables } => {
            custom.secrets.extend(variables.into_iter().map(|(name, value)| (name, secret(value))));
        }
        // Told apart before.
        _ => {}
    }
    custom
}

fn secret(text: SecretText) -> Secret {
    Secret::new(text.into_exposed())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connect(
        location: &str,
        credential: Option<TransportCredential>,
    ) -> Result<Connection, CredentialError> {
        let secrets = RepositorySecrets::new(SecretText::new("password"), credential);
        connection(location, secrets, Environment::empty())
    }

    fn variable(name: &str) -> Option<TransportCredential> {
        let variables = [(name.to_owned(), SecretText::new("x"))].into();
        Some(TransportCredential::Environment { variables })
    }

    #[test]
    fn a_server_cannot_choose_programs() {
        for name in ["PATH", "LD_PRELOAD", "ld_library_path", "RESTIC_PASSWORD_COMMAND", "BASH_ENV", "HOME"] {
            assert!(connect("swift:container:/", variable(name)).is_err(), "{name}");
        }
        assert!(connect("swift:container:/", variable("OS_USERNAME")).is_ok());
        for location in ["sftp:-oProxyCommand=x:/repo", "sftp://-oProxyCommand=x/repo", "sftp:me@-x:/repo"] {
            assert!(connect(location, None).is_err(), "{location}");
        }
        assert!(connect("sftp:me@host:/repo-1", None).is_ok());
    }

    #[test]
    fn a_credential_fits_its_place() {
        let rest = || {
            Some(TransportCredential::Rest { username: "me".to_owned(), password: SecretText::new("secret") })
        };
        assert!(connect("rest:https://backup.example/", rest()).is_ok());
        assert!(connect("s3:https://store.example/bucket", rest()).is_err());
        assert!(connect("rest:https://backup.example/", variable("X")).is_err());
        let google = || {
            let service_account = SecretText::new("{}");
            Some(TransportCredential::Google { project_id: "project".to_owned(), service_account })
        };
        assert!(connect("gs:bucket:/web", google()).is_ok());
        assert!(connect("s3:https://store.example/bucket", google()).is_err());
    }
}
