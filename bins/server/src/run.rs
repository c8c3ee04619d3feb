//! Building the server from its parts, and serving.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use restic_manager_server::{Server, Shutdown, SystemRandom, open_keys};
use restic_manager_store::postgres::{Claim, Claimed, PostgresOptions, PostgresStore};
use restic_manager_store::sqlite::{SqliteOptions, SqliteStore};
use restic_manager_store::{Error as StoreError, Store};
use tokio::net::TcpListener;

use crate::config::Config;
use crate::settings::Refusal;
use crate::{logging, signals};

const BOOTSTRAP_TOKEN: &str = "bootstrap-token";

pub(crate) fn run(config: Config) -> Result<(), Refusal> {
    logging::start(&config.log, &config.log_format).map_err(Refusal)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.map_err(|error| could_not("start", &error))?.block_on(serve(config))
}

/// Runs a task of the command line to its end.
pub(crate) fn block_on<T>(task: impl Future<Output = T>) -> Result<T, Refusal> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    Ok(runtime.map_err(|error| could_not("start", &error))?.block_on(task))
}

async fn serve(config: Config) -> Result<(), Refusal> {
    for key in &config.unused {
        tracing::warn!("{key} is set and not used yet: nothing comes of it in this version");
    }
    let Alone { folder: _folder, database } = claim(&config).await?;
    let store = open_store(&config).await?;
    let identity = config.data.join("identity.key");
    let keys = open_keys(&*store, &config.secret_key_file, &identity, &SystemRandom::new()).await;
    let (keyring, identity) = keys.map_err(|error| could_not("start", &error))?;
    let shutdown = Shutdown::new();
    signals::obey(shutdown.clone()).map_err(|error| could_not("listen for signals", &error))?;
    if let Some(claim) = database {
        tokio::spawn(stop_when_lost(claim, shutdown.clone()));
    }

    let (base_url, mark) = (config.engine.base_url.to_string(), config.mark());
    let server = Server::builder(Arc::clone(&store), keyring, identity, config.engine)
        .mark_file(mark)
        .shutdown(shutdown)
        .build();
    let prepared = server.prepare().await.map_err(|error| could_not("start", &error))?;
    let token = prepared.bootstrap_token.as_ref().map(|token| token.expose());
    offer_bootstrap_token(&config.data.join(BOOTSTRAP_TOKEN), token, &base_url)?;

    let listener = TcpListener::bind(config.listen).await;
    let listener = listener.map_err(|error| could_not(&format!("listen on {}", config.listen), &error))?;
    let address = listener.local_addr().map_err(|error| could_not("listen", &error))?;
    tracing::info!(fingerprint = %prepared.fingerprint, base_url, "listening on {address}");
    let finish = server.serve(listener, restic_manager_web::web(server.service())).await;
    // Whoever copies the database of a stopped server finds everything in its one file.
    if let Err(error) = store.close().await {
        tracing::warn!(error = &error as &dyn std::error::Error, "could not close the database");
    }
    tracing::info!(?finish, "stopped");
    Ok(())
}

/// Opens the database to look at it, whoever else uses it.
pub(crate) async fn look_at_store(config: &Config) -> Result<Arc<dyn Store>, Refusal> {
    let opened: Result<Arc<dyn Store>, StoreError> = match &config.database_url {
        Some(url) => match PostgresOptions::from_url(url) {
            Ok(options) => PostgresStore::open_read_only(options).await.map(|store| Arc::new(store) as _),
            Err(error) => Err(error),
        },
        None => SqliteStore::open_read_only(sqlite_options(config)).await.map(|store| Arc::new(store) as _),
    };
    opened.map_err(|error| could_not("open the database", &error))
}

/// What one process at a time has to itself.
#[derive(Debug)]
pub(crate) struct Alone {
    /// The data folder, whose keys it writes with.
    pub(crate) folder: File,
    /// The database, where other machines reach it.
    pub(crate) database: Option<Claim>,
}

/// A server that was started again right after it was killed waits for so long until the database has noticed.
const CLAIM_TRIES: u32 = 20;
const CLAIM_PAUSE: Duration = Duration::from_millis(100);

/// Holds the data folder and the database, so that one process at a time writes. Both let go when the process ends, however
/// it ends.
pub(crate) async fn claim(config: &Config) -> Result<Alone, Refusal> {
    let folder = claim_folder(config)?;
    let database = match &config.database_url {
        Some(url) => Some(claim_database(url).await?),
        None => None,
    };
    Ok(Alone { folder, database })
}

async fn claim_database(url: &str) -> Result<Claim, Refusal> {
    let failed = |error| could_not("open the database", &error);
    let options = PostgresOptions::from_url(url).map_err(failed)?;
    let mut tries = 1;
    loop {
        match options.claim().await.map_err(failed)? {
            Claimed::Ours(claim) => return Ok(claim),
            Claimed::Theirs(holder) if tries == CLAIM_TRIES => return Err(Refusal(holder.to_string())),
            Claimed::Theirs(_) => tokio::time::sleep(CLAIM_PAUSE).await,
        }
        tries += 1;
    }
}

/// A server that was cut off from its database and finds another one there stops.
async fn stop_when_lost(claim: Claim, shutdown: Shutdown) {
    let holder = claim.lost().await;
    tracing::error!("stopping: {holder}");
    shutdown.request();
}

fn claim_folder(config: &Config) -> Result<File, Refusal> {
    make_private_folder(&config.data)?;
    let path = config.data.join("server.lock");
    let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path);
    let file = file.map_err(|error| Refusal(format!("could not open {}: {error}", path.display())))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Refusal(format!(
            "a server runs with this data folder (it holds {}): stop the server first",
            path.display()
        ))),
        Err(TryLockError::Error(error)) => {
            Err(Refusal(format!("could not lock {}: {error}", path.display())))
        }
    }
}

fn sqlite_options(config: &Config) -> SqliteOptions {
    SqliteOptions::new(config.data.join("restic-manager.sqlite"))
}

pub(crate) async fn open_store(config: &Config) -> Result<Arc<dyn Store>, Refusal> {
    let opened: Result<Arc<dyn Store>, _> = match &config.database_url {
        Some(url) => open_postgres(url).await,
        None => SqliteStore::open(sqlite_options(config)).await.map(|store| Arc::new(store) as _),
    };
    opened.map_err(|error| could_not("open the database", &error))
}

async fn open_postgres(url: &str) -> Result<Arc<dyn Store>, StoreError> {
    let store = PostgresStore::open(PostgresOptions::from_url(url)?).await?;
    Ok(Arc::new(store))
}

/// Makes the data folder, or closes one that is open to others: it holds the keys of the server.
fn make_private_folder(path: &Path) -> Result<(), Refusal> {
    let could_not = |what: &str, error: io::Error| {
        Refusal(format!("could not {what} the data folder {}: {error}", path.display()))
    };
    let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.map_err(|error| could_not("make", error))?;
    let mode = fs::metadata(path).map_err(|error| could_not("look at", error))?.permissions().mode();
    if mode & 0o077 == 0 {
        return Ok(());
    }
    tracing::warn!("the data folder {} was open to other users, and is closed to them now", path.display());
    let closed = fs::set_permissions(path, Permissions::from_mode(0o700));
    closed.map_err(|error| could_not("close (chmod 700)", error))
}

/// Shows the token that makes the first admin, and keeps it in a file that only this user can read; removes the file
/// when there is nothing to offer any more.
fn offer_bootstrap_token(path: &Path, token: Option<&str>, base_url: &str) -> Result<(), Refusal> {
    let at = |error| Refusal(format!("could not write {}: {error}", path.display()));
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(at(error)),
        _ => {}
    }
    let Some(token) = token else { return Ok(()) };
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(at)?;
    writeln!(file, "{token}").map_err(at)?;
    println!("There is no admin yet. Open {base_url}/bootstrap with this one-time token:\n\n    {token}\n");
    println!("It is also in {}.", path.display());
    Ok(())
}

/// An error and its causes, as one line.
pub(crate) fn could_not(what: &str, error: &dyn std::error::Error) -> Refusal {
    let mut text = format!("could not {what}: {error}");
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(&format!(": {cause}"));
        source = cause.source();
    }
    Refusal(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_data_folder_that_others_may_read_is_closed() {
        let folder = tempfile::tempdir().expect("a folder");
        let data = folder.path().join("data");
        let mode = || fs::metadata(&data).expect("it is there").permissions().mode() & 0o777;
        make_private_folder(&data).expect("it is made");
        assert_eq!(mode(), 0o700);
        fs::set_permissions(&data, Permissions::from_mode(0o755)).expect("it is ours");
        make_private_folder(&data).expect("it is closed");
        assert_eq!(mode(), 0o700);
    }
}
