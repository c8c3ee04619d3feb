//! `keys …`: what is sealed with which key, and all of it under a new one.

use std::ops::ControlFlow;
use std::process::ExitCode;

use clap::Command;
use restic_manager_server::sealing::{Place, Rotation, key_status, rotate_keys};
use restic_manager_server::{Clock as _, Keyring, SystemClock, SystemRandom};

use crate::config::Config;
use crate::run::{self, could_not};
use crate::settings::Refusal;

pub(crate) fn command() -> Command {
    Command::new("keys")
        .about("The keys that seal secrets in the database")
        .subcommand_required(true)
        .subcommand(Command::new("status").about("Say what is sealed with which key; the server may run meanwhile"))
        .subcommand(
            Command::new("rotate")
                .about("Seal everything with a new key, and drop the old one. Stop the server first")
                .after_help(
                    "It can be stopped and run again at any point. A copy of the database that was made before needs the \
                     key file of that time: keep the two together.",
                ),
        )
}

pub(crate) async fn act(verb: &str, config: &Config) -> Result<ExitCode, Refusal> {
    if verb == "status" { status(config).await } else { rotate(config).await }
}

async fn status(config: &Config) -> Result<ExitCode, Refusal> {
    let keyring = open(config)?;
    let store = run::look_at_store(config).await?;
    let places =
        key_status(&*store, &keyring).await.map_err(|error| could_not("read the database", &error))?;
    println!("key file: {}", config.secret_key_file.display());
    for id in keyring.key_ids() {
        println!("  {id}{}", if id == keyring.newest_id() { "  writes" } else { "  only reads" });
    }
    places.iter().for_each(print_place);
    if keyring.key_ids().count() > 1 {
        println!("a rotation was begun and not finished: stop the server and run `keys rotate` to finish it");
    }
    Ok(verdict(&places))
}

async fn rotate(config: &Config) -> Result<ExitCode, Refusal> {
    let _alone = run::claim(config).await?;
    open(config)?;
    let store = run::open_store(config).await?;
    let rotated =
        rotate_keys(&*store, &config.secret_key_file, &SystemRandom::new(), SystemClock.now(), |done| {
            if done > 0 {
                println!("  {done} done");
            }
            ControlFlow::Continue(())
        })
        .await;
    let closed = store.close().await;
    let Rotation { resumed, newest, removed, places, .. } =
        rotated.map_err(|error| could_not("rotate the keys", &error))?;
    closed.map_err(|error| could_not("close the database", &error))?;
    println!(
        "{} the key {newest}",
        if resumed { "went on sealing with" } else { "sealed with the new key:" }
    );
    places.iter().for_each(print_place);
    if removed.is_empty() {
        println!("the old key stays in the file, because something is still sealed with it");
    } else {
        println!("nothing is sealed with {} any more; it left the file", removed.join(", "));
        println!("keep a copy of the new key file apart from the database");
    }
    Ok(verdict(&places))
}

fn open(config: &Config) -> Result<Keyring, Refusal> {
    Keyring::open_file(&config.secret_key_file).map_err(|error| could_not("use the keys", &error))
}

fn print_place(place: &Place) {
    let (table, column) = place.column;
    let keys: Vec<_> = place.by_key.iter().map(|(key, count)| format!("{count} with {key}")).collect();
    let keys = if keys.is_empty() { "none".to_owned() } else { keys.join(", ") };
    let resealed = match place.resealed {
        0 => String::new(),
        count => format!("; {count} sealed anew"),
    };
    println!("{}: {keys}{resealed}  [{table}.{column}]", place.name);
    for row in &place.unreadable {
        println!("  row {row} opens with no key of the file: set this secret again");
    }
}

fn verdict(places: &[Place]) -> ExitCode {
    if places.iter().all(|place| place.unreadable.is_empty()) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
