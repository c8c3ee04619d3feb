//! `audit …`: is the log whole, and the line that proves it later.
//!
//! Exit codes: 0 it is whole, 1 it is not, 2 that cannot be told, 3 nothing proves its end.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::process::ExitCode;

use clap::{Arg, ArgAction, ArgMatches, Command};
use restic_manager_server::audit::{
    Checkpoint, ExportVerdict, Fault, MarkFile, Verdict, Whole, verify, verify_export,
};
use restic_manager_server::{Fingerprint, Identity, PublicKey};

use crate::config::Config;
use crate::run::{self, could_not};
use crate::settings::Refusal;

const WHOLE: u8 = 0;
const BROKEN: u8 = 1;
const UNKNOWN: u8 = 2;
const UNPROVEN: u8 = 3;

pub(crate) fn command() -> Command {
    let file = Arg::new("file").long("file").value_name("FILE");
    let fingerprint = Arg::new("fingerprint").long("fingerprint").value_name("FINGERPRINT");
    let checkpoint = Arg::new("checkpoint").long("checkpoint").value_name("LINE").action(ArgAction::Append);
    Command::new("audit")
        .about("Prove the audit log")
        .subcommand_required(true)
        .subcommand(
            Command::new("verify")
                .about("Say whether the audit log is as it was written; the server may run meanwhile")
                .arg(file.help("A JSONL export to check instead of the database; needs --fingerprint"))
                .arg(
                    fingerprint.help("The server's fingerprint; else the identity in the data folder counts"),
                )
                .arg(checkpoint.help("A checkpoint that was kept elsewhere; may be given several times"))
                .after_help(
                    "The checkpoint in the data folder's database.mark counts as one that was kept elsewhere.\n\n\
                     Exit codes: 0 it is whole, and a checkpoint covers its end; 1 it is not; 2 that cannot be told; 3 every \
                     entry is in its place, and no checkpoint covers the end: it could have been rewritten or cut off.",
                ),
        )
        .subcommand(
            Command::new("checkpoint").about("Print the newest checkpoint, to be kept elsewhere or on paper"),
        )
}

/// Checks a file; needs no configuration.
pub(crate) fn offline(matches: &ArgMatches) -> Option<ExitCode> {
    let file = matches.get_one::<String>("file")?;
    Some(tell(verify_file(Path::new(file), matches)))
}

fn verify_file(path: &Path, matches: &ArgMatches) -> Result<ExportVerdict, Refusal> {
    let fingerprint = given_fingerprint(matches)?.ok_or_else(|| {
        Refusal("--file needs --fingerprint: the server's, as Settings shows it".to_owned())
    })?;
    let file = File::open(path).map_err(|error| could_not(&format!("open {}", path.display()), &error))?;
    let kept = given_checkpoints(matches)?;
    verify_export(BufReader::with_capacity(1 << 20, file), &fingerprint, &kept)
        .map_err(|error| could_not("read the file", &error))
}

/// Checks the database, or prints its newest checkpoint.
pub(crate) async fn online(verb: &str, matches: &ArgMatches, config: &Config) -> ExitCode {
    if verb == "checkpoint" {
        return match newest(config).await {
            Ok(Some(line)) => {
                println!("{line}");
                ExitCode::from(WHOLE)
            }
            Ok(None) => cannot_tell(&"there is no checkpoint yet; the server signs one soon after its start"),
            Err(refusal) => cannot_tell(&refusal),
        };
    }
    let verdict = verify_database(matches, config).await.map(|verdict| match verdict {
        Verdict::Whole(whole) => ExportVerdict::Whole(whole),
        Verdict::Broken(fault) => ExportVerdict::Broken(fault),
    });
    tell(verdict)
}

async fn newest(config: &Config) -> Result<Option<Checkpoint>, Refusal> {
    let failed = |error| could_not("read the database", &error);
    let store = run::look_at_store(config).await?;
    let last = store.read().await.map_err(failed)?.checkpoints().last().await.map_err(failed)?;
    Ok(last.map(Checkpoint::from))
}

async fn verify_database(matches: &ArgMatches, config: &Config) -> Result<Verdict, Refusal> {
    let failed = |error| could_not("read the database", &error);
    let store = run::look_at_store(config).await?;
    let mut kept = given_checkpoints(matches)?;
    let signer = match given_fingerprint(matches)? {
        None => {
            let path = config.data.join("identity.key");
            let identity = Identity::open_file(&path).map_err(|error| {
                could_not("tell who signs (give --fingerprint, or run it where the identity is)", &error)
            })?;
            identity.public_key()
        }
        Some(trusted) => {
            let last = store.read().await.map_err(failed)?.checkpoints().last().await.map_err(failed)?;
            let known = last.map(Checkpoint::from).into_iter().chain(kept.iter().copied());
            let signer = known.map(|checkpoint| checkpoint.signer()).find(|key| key.fingerprint() == trusted);
            signer.ok_or_else(|| {
                Refusal(
                    "no checkpoint is of a server with this fingerprint; nothing proves the end of the log"
                        .to_owned(),
                )
            })?
        }
    };
    kept.extend(marked(config, &signer)?);
    verify(&*store, &signer, &kept).await.map_err(failed)
}

/// The checkpoint beside the identity of this server; another's log has nothing to do with it.
fn marked(config: &Config, signer: &PublicKey) -> Result<Option<Checkpoint>, Refusal> {
    let mark = MarkFile::new(config.mark()).read();
    let mark = mark.map_err(|error| could_not("tell how far the log had come", &error))?;
    Ok(mark.and_then(|mark| mark.checkpoint).filter(|checkpoint| checkpoint.signer() == *signer))
}

fn given_fingerprint(matches: &ArgMatches) -> Result<Option<Fingerprint>, Refusal> {
    let parse = |text: &String| text.parse().map_err(|error| Refusal(format!("--fingerprint: {error}")));
    matches.get_one::<String>("fingerprint").map(parse).transpose()
}

fn given_checkpoints(matches: &ArgMatches) -> Result<Vec<Checkpoint>, Refusal> {
    let lines = matches.get_many::<String>("checkpoint").into_iter().flatten();
    lines.map(|line| line.parse().map_err(|error| Refusal(format!("--checkpoint: {error}")))).collect()
}

fn tell(verdict: Result<ExportVerdict, Refusal>) -> ExitCode {
    match verdict {
        Ok(ExportVerdict::Whole(whole)) => told_whole(&whole),
        Ok(ExportVerdict::Broken(fault)) => broken(&fault),
        Ok(ExportVerdict::Damaged(line)) => {
            not_whole(&format!("line {line} is not a line of an export, or does not belong there"))
        }
        Ok(ExportVerdict::CutOff) => not_whole("the file breaks off: its last line is missing"),
        Ok(ExportVerdict::Foreign(why)) => cannot_tell(&why),
        Err(refusal) => cannot_tell(&refusal),
    }
}

fn told_whole(whole: &Whole) -> ExitCode {
    let last = whole.head.sequence;
    println!("the audit log is whole: {last} entries, each as it was written and in its place");
    if whole.covered == last {
        println!("a signed checkpoint covers all of it");
        return ExitCode::from(WHOLE);
    }
    match whole.covered {
        0 => println!(
            "NOT PROVEN: there is no checkpoint; all of it could have been written anew, or its end cut off"
        ),
        covered => println!(
            "NOT PROVEN from entry {} on: signed checkpoints cover it up to entry {covered}; what is younger could have been \
             rewritten, or its end cut off",
            covered + 1
        ),
    }
    println!("a server that runs covers what is new within a minute, and one that stops covers all");
    ExitCode::from(UNPROVEN)
}

fn broken(fault: &Fault) -> ExitCode {
    not_whole(&fault.to_string())
}

fn not_whole(what: &str) -> ExitCode {
    println!("the audit log is BROKEN: {what}");
    ExitCode::from(BROKEN)
}

fn cannot_tell(why: &dyn std::fmt::Display) -> ExitCode {
    eprintln!("cannot tell: {why}");
    ExitCode::from(UNKNOWN)
}
