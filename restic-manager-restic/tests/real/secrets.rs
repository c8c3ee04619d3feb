//! Secrets stay where others cannot see them, with real programs at work.

use std::fs;

use restic_manager_restic::Cause;
use restic_manager_restic::command::{
    Backup, Command as _, Copy, Init, Key, NewKey, NewPassword, Password, Secret, Snapshots,
};
use restic_manager_restic::process::Input;

use super::support::{PASSWORD, Place, Restic, repository_at};

/// Looks at all processes of this machine while a command runs, until it ends.
#[tokio::test(flavor = "multi_thread")]
async fn no_password_is_in_any_command_line_or_environment() {
    for restic in &Restic::all().await {
        let place = Place::new();
        let connection = place.initialized(restic).await;
        place.write("file", b"content");
        let mut other = connection.clone();
        other.repository = repository_at(&place.path("other"));
        restic.run(&Init::new(), &other).await;
        let key = NewKey::new(NewPassword::Text(Secret::new("brand new 9d2c")));
        let invocations = [
            Backup::paths([place.path("source")]).prepare(&connection, &restic.version),
            Copy::new(connection.repository.clone()).prepare(&other, &restic.version),
            Key::Add(key).prepare(&connection, &restic.version),
        ];
        for invocation in invocations {
            let invocation = invocation.expect("a command that fits");
            let mut running = restic.runner.spawn(&invocation, Input::Null).await.expect("a child");
            let mut seen = 0;
            let finished = loop {
                let event = running.next_event();
                tokio::select! {
                    biased;
                    event = event => if event.is_none() { break running.wait().await },
                    () = tokio::task::yield_now() => seen += scan(restic),
                }
            };
            assert!(finished.outcome.cause.is_success(), "{finished:?}");
            assert!(seen > 0, "restic {} was never seen at work", restic.version);
            assert!(!format!("{finished:?} {invocation:?}").contains(PASSWORD));
        }
    }
}

/// Counts the processes that run this restic, after looking at what all can see of them.
fn scan(restic: &Restic) -> usize {
    let mut seen = 0;
    for entry in fs::read_dir("/proc").expect("processes").flatten() {
        let process = entry.path();
        let Ok(words) = fs::read(process.join("cmdline")) else { continue };
        if !words.starts_with(restic.runner.program.path().as_os_str().as_encoded_bytes()) {
            continue;
        }
        let environment = fs::read(process.join("environ")).unwrap_or_default();
        for text in [&words, &environment] {
            let text = String::from_utf8_lossy(text);
            assert!(!text.contains(PASSWORD) && !text.contains("brand new"), "{text}");
        }
        seen += 1;
    }
    seen
}

/// restic trims what it reads from a file, but takes such a password by its variable.
#[tokio::test]
async fn a_password_with_white_space_opens_what_it_made() {
    for restic in &Restic::all().await {
        for (password, other) in [
            (" lead", "lead"),
            ("trail ", "trail"),
            ("\u{feff}x", "x"),
            ("abc\u{a0}", "abc"),
            ("end of a line\r\n", "end of a line"),
            ("   ", " "),
            ("two\nlines", "two"),
        ] {
            let place = Place::new();
            let mut connection = place.connection();
            connection.repository.password = Password::Text(Secret::new(password));
            let made = restic.run(&Init::new(), &connection).await;
            assert!(made.outcome.cause.is_success(), "{password:?}: {made:?}");
            let opened = restic.run(&Snapshots::new(), &connection).await;
            assert!(opened.outcome.cause.is_success(), "{password:?}: {opened:?}");
            connection.repository.password = Password::Text(Secret::new(other));
            let other = restic.run(&Snapshots::new(), &connection).await;
            assert_eq!(other.outcome.cause, Cause::WrongPassword, "{password:?}");
        }
    }
}
