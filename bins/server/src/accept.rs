//! `accept-database`: go on with a database that is older than the server knew it.

use std::sync::Arc;

use clap::Command;
use restic_manager_server::acceptance::{Accepted, accept_database};
use restic_manager_server::audit::MarkFile;
use restic_manager_server::{SystemClock, SystemRandom};

use crate::admin::operator;
use crate::config::Config;
use crate::run::{self, could_not};
use crate::settings::Refusal;

pub(crate) fn command() -> Command {
    Command::new("accept-database")
        .about("Go on with a database that is older than this server knew it. Stop the server first")
        .after_help(
            "For after a copy of the database was put back on purpose, or its newest changes are lost for good; the server says \
             at its start when it is needed. Every session ends, every API token and setup link is withdrawn, and an alert and \
             the audit log say what was accepted. Passwords and rights are those of the copy: who may sign in is printed.\n\n\
             Exit codes: 0 done, 1 refused or failed, 2 wrong usage.",
        )
}

pub(crate) async fn run(config: &Config) -> Result<(), Refusal> {
    let _alone = run::claim(config).await?;
    let store = run::open_store(config).await?;
    let mark = MarkFile::new(config.mark());
    let (clock, random) = (Arc::new(SystemClock), Arc::new(SystemRandom::new()));
    let accepted = accept_database(&*store, &mark, clock, random, &operator()).await;
    let closed = store.close().await;
    tell(&accepted.map_err(|error| could_not("accept the database", &error))?);
    closed.map_err(|error| could_not("close the database", &error))
}

fn tell(accepted: &Accepted) {
    let Accepted { known_at, sessions_ended, tokens_revoked, can_sign_in, .. } = accepted;
    match known_at {
        Some(known_at) => println!(
            "the database is accepted; what was changed in it until {known_at} and is not in it is gone"
        ),
        None => println!("the database is accepted; how far it had come before is not known"),
    }
    println!("sessions ended: {sessions_ended}, API tokens revoked: {tokens_revoked}");
    println!("who can sign in, with the password of that time: {}", can_sign_in.join(", "));
    println!("Disable whoever should not be among them as soon as the server runs.");
}
