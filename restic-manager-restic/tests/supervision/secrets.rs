//! What a child inherits, and what it must not.

use restic_manager_restic::Version;
use restic_manager_restic::command::{
    Command as _, Connection, Key, Login, NewKey, NewPassword, Password, Repository, Rest, Secret, Snapshots,
};

use super::support::{PASSWORD, Script, connection, document, prepare};

#[tokio::test]
async fn the_password_is_in_a_pipe_and_nowhere_else() {
    let script = Script::new(
        "cat \"$RESTIC_PASSWORD_FILE\"; echo; tr '\\0' '\\n' < /proc/$$/environ; tr '\\0' '\\n' < /proc/$$/cmdline",
    );
    let captured = script.runner.capture(&document(), 100_000).await.expect("a child");
    let output = String::from_utf8(captured.stdout).expect("text");
    let (first, rest) = output.split_once('\n').expect("lines");
    assert_eq!(first, PASSWORD);
    assert!(!rest.contains(PASSWORD), "{rest}");
    assert!(rest.contains("RESTIC_PASSWORD_FILE=/dev/fd/"));
}

#[tokio::test]
async fn only_what_was_chosen_is_inherited() {
    let open_for_children = std::fs::File::open("/dev/null").expect("the null device");
    rustix::io::fcntl_setfd(&open_for_children, rustix::io::FdFlags::empty()).expect("an inheritable file");
    let script = Script::new("tr '\\0' '\\n' < /proc/$$/environ; ls /proc/$$/fd | tr '\\n' ' '; echo");
    let captured = script.runner.capture(&document(), 100_000).await.expect("a child");
    let output = String::from_utf8(captured.stdout).expect("text");
    assert!(!output.contains("CARGO"), "the test's own environment came through: {output}");
    let open = output.lines().last().expect("open files").split_whitespace().collect::<Vec<_>>();
    let leaked = std::os::fd::AsRawFd::as_raw_fd(&open_for_children).to_string();
    assert!(!open.contains(&leaked.as_str()), "{leaked} came through: {output}");
}

#[tokio::test]
async fn a_login_reaches_old_and_new_restic_unseen_by_others() {
    let storage = Rest::new("https://host.example:8000/x/").with_login(Login::new("me", "p@ss/w:rd"));
    let repository = Repository::new(storage, Password::Text(Secret::new(PASSWORD)));
    let connection = Connection::new(repository, connection().environment);
    let script = Script::new(
        "echo \"$RESTIC_REPOSITORY\"; echo \"$RESTIC_REST_USERNAME:$RESTIC_REST_PASSWORD\"; [ -z \"$RESTIC_REPOSITORY_FILE\" ] || cat \"$RESTIC_REPOSITORY_FILE\"; echo; tr '\\0' ' ' < /proc/$$/cmdline",
    );
    for (version, expected) in [
        (Version::new(0, 16, 0), "\n:\nrest:https://me:p%40ss%2Fw%3Ard@host.example:8000/x/\n"),
        (Version::new(0, 16, 1), "rest:https://host.example:8000/x/\nme:p@ss/w:rd\n\n"),
    ] {
        let invocation = Snapshots::new().prepare(&connection, &version).expect("a command");
        assert!(!format!("{invocation:?}").contains("p@ss") && !invocation.command_line().contains("p%40ss"));
        let captured = script.runner.capture(&invocation, 100_000).await.expect("a child");
        let output = String::from_utf8(captured.stdout).expect("text");
        assert!(output.starts_with(expected), "{output}");
        assert!(!output[expected.len()..].contains("p@ss") && !output[expected.len()..].contains("p%40ss"));
    }
}

#[tokio::test]
async fn a_new_password_has_a_pipe_of_its_own() {
    let script = Script::new(
        "cat \"$RESTIC_PASSWORD_FILE\"; echo; for w in \"$@\"; do case $w in --new-password-file=*) cat ${w#*=};; esac; done",
    );
    let invocation = prepare(&Key::Add(NewKey::new(NewPassword::Text(Secret::new("another one")))));
    let captured = script.runner.capture(&invocation, 1000).await.expect("a child");
    assert_eq!(String::from_utf8_lossy(&captured.stdout), format!("{PASSWORD}\nanother one"));
}

#[tokio::test]
async fn what_is_shown_of_a_run_holds_no_secret() {
    let script = Script::new(
        "echo \"could not open rest:https://me:$(cat \"$RESTIC_PASSWORD_FILE\")@host/\" >&2; exit 1",
    );
    let invocation = document();
    let captured = script.runner.capture(&invocation, 1000).await.expect("a child");
    let shown = format!("{captured:?} {invocation:?} {} {:?}", invocation.command_line(), script.runner);
    assert!(!shown.contains(PASSWORD), "{shown}");
}
