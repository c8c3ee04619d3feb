//! From what an order says of a repository to what restic is told.

use restic_manager_proto::{
    RepositorySecrets, SecretText, TransportCredential,
    rules::{self, Location, Refusal},
    vocabulary::RepositoryState,
};
use restic_manager_restic::{
    Cause,
    command::{
        Backend, Connection, Custom, Environment, Google, GoogleCredential, Local, Login, Password,
        Repository, Rest, Secret,
    },
    event::Snapshot,
    process::Stop,
};

use super::stage::Ran;

/// An order names a location or holds a secret that no host uses, whoever sent it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the {what} of the order is refused: {refusal}")]
pub(super) struct OrderError {
    what: &'static str,
    refusal: Refusal,
}

/// Joins location and secrets, if both are as the rules that the server obeys say.
pub(super) fn connection(
    location: &str,
    secrets: RepositorySecrets,
    environment: Environment,
) -> Result<Connection, OrderError> {
    let refused = |what| move |refusal| OrderError { what, refusal };
    let storage = Location::parse(location).map_err(refused("location"))?.storage();
    rules::repository_password(secrets.password.expose()).map_err(refused("password"))?;
    if let Some(credential) = &secrets.credential {
        rules::credential(credential, storage).map_err(refused("credential"))?;
    }
    let password = Password::Text(secret(secrets.password));
    Ok(Connection::new(Repository::new(backend(location, secrets.credential), password), environment))
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
        Cause::RepositoryUnfinished => RepositoryState::Unfinished,
        Cause::WrongPassword => RepositoryState::WrongPassword,
        Cause::Permission => RepositoryState::AccessDenied,
        Cause::Unreachable => RepositoryState::Unreachable,
        _ => RepositoryState::Failed,
    })
}

/// The id of a folder that holds nothing, in every repository: the SHA-256 of how restic writes it.
const EMPTY_TREE: &str = "ac08ce34ba4f8123618661bef2425f7028ffb9ac740578a3ee88684d2523fee8";

/// Whether a snapshot holds nothing at all, such as that of a command that printed nothing.
pub(super) fn is_empty(snapshot: &Snapshot) -> bool {
    snapshot.tree == EMPTY_TREE
}

fn backend(location: &str, credential: Option<TransportCredential>) -> Backend {
    match (
        location.strip_prefix("rest:"),
        location.strip_prefix("gs:").and_then(|place| place.split_once(':')),
    ) {
        (Some(url), _) => rest(url, credential).into(),
        (_, Some((bucket, prefix))) => match credential {
            Some(TransportCredential::Google { project_id, service_account }) => {
                google(bucket, prefix, project_id, service_account).into()
            }
            credential => custom(location, credential).into(),
        },
        _ if !location.contains(':') => Local::new(location).into(),
        _ => custom(location, credential).into(),
    }
}

fn rest(url: &str, credential: Option<TransportCredential>) -> Rest {
    match credential {
        Some(TransportCredential::Rest { username, password }) => {
            Rest::new(url).with_login(Login::new(username, secret(password)))
        }
        _ => Rest::new(url),
    }
}

fn google(bucket: &str, prefix: &str, project_id: String, service_account: SecretText) -> Google {
    let mut google = Google::new(bucket, GoogleCredential::ServiceAccount(secret(service_account)));
    google.prefix = Some(prefix.trim_start_matches('/').to_owned()).filter(|prefix| !prefix.is_empty());
    google.project_id = Some(project_id);
    google
}

fn custom(location: &str, credential: Option<TransportCredential>) -> Custom {
    let mut custom = Custom::new(location);
    match credential {
        Some(TransportCredential::S3 { access_key_id, secret_access_key, region }) => {
            custom.secrets.push(("AWS_ACCESS_KEY_ID".to_owned(), Secret::new(access_key_id)));
            custom.secrets.push(("AWS_SECRET_ACCESS_KEY".to_owned(), secret(secret_access_key)));
            custom.variables.extend(region.map(|region| ("AWS_DEFAULT_REGION".to_owned(), region)));
        }
        Some(TransportCredential::B2 { account_id, account_key }) => {
            custom.secrets.push(("B2_ACCOUNT_ID".to_owned(), Secret::new(account_id)));
            custom.secrets.push(("B2_ACCOUNT_KEY".to_owned(), secret(account_key)));
        }
        Some(TransportCredential::Azure { account_name, account_key }) => {
            custom.variables.push(("AZURE_ACCOUNT_NAME".to_owned(), account_name));
            custom.secrets.push(("AZURE_ACCOUNT_KEY".to_owned(), secret(account_key)));
        }
        Some(TransportCredential::Environment { variables }) => {
            custom.secrets.extend(variables.into_iter().map(|(name, value)| (name, secret(value))));
        }
        // None, or one that another storage takes and the rules have refused.
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
    use proptest::prelude::*;
    use restic_manager_restic::{
        Version,
        command::{Command as _, Snapshots},
    };

    fn connect(location: &str, credential: Option<TransportCredential>) -> Result<Connection, OrderError> {
        let secrets = RepositorySecrets::new(SecretText::new("password"), credential);
        connection(location, secrets, Environment::empty())
    }

    fn variable(name: &str) -> Option<TransportCredential> {
        let variables = [(name.to_owned(), SecretText::new("x"))].into();
        Some(TransportCredential::Environment { variables })
    }

    /// The server judges passwords by the rule of `proto`; restic must be handed every one that it lets through, and be asked
    /// for no other.
    fn is_taken_by_both(password: &str) -> Result<(), TestCaseError> {
        let secrets = RepositorySecrets::new(SecretText::new(password), None);
        let connected = connection("/srv/repository", secrets, Environment::empty());
        let accepted = rules::repository_password(password).is_ok();
        prop_assert_eq!(connected.is_ok(), accepted, "{:?}", password);
        prop_assert_eq!(Password::check(password).is_ok(), accepted, "{:?}", password);
        if let Ok(connection) = connected {
            let prepared = Snapshots::new().prepare(&connection, &Version::new(0, 14, 0));
            prop_assert!(prepared.is_ok(), "{:?}: {:?}", password, prepared.err());
        }
        Ok(())
    }

    proptest! {
        #[test]
        fn what_the_rule_lets_through_restic_is_handed(
            password in "[ \t\n\r\u{a0}\u{feff}a-cä\0]{0,6}|.{0,40}", repeat in 1..2000_usize
        ) {
            is_taken_by_both(&password)?;
            is_taken_by_both(&password.repeat(repeat))?;
        }
    }

    #[test]
    fn a_server_cannot_choose_programs_and_files() {
        for name in ["PATH", "LD_PRELOAD", "AWS_SHARED_CREDENTIALS_FILE", "RESTIC_PASSWORD_COMMAND"] {
            assert!(connect("s3:https://store.example/bucket", variable(name)).is_err(), "{name}");
        }
        assert!(connect("swift:container:/", variable("OS_USERNAME")).is_ok());
        for location in ["sftp:-oProxyCommand=x:/repo", "sftp://[-oProxyCommand=x]/repo", "rclone:x,ssh=y:z"]
        {
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
        assert!(connect("gs:bucket:/web", variable("GOOGLE_ACCESS_TOKEN")).is_ok());
    }
}
