//! Scripts around a backup and commands whose output is backed up, as rules: what they may be, what a host's policy
//! file calls them, and what is executed.

use restic_manager_crypto::ContentDigest;
use restic_manager_proto::{CommandSource, Hook, Hooks, vocabulary::Shell};

/// Longest script and longest line for a shell, in bytes.
pub const LONGEST_SCRIPT: usize = 16 * 1024;
/// Longest time that a script may take, in seconds.
pub const LONGEST_TIMEOUT: u32 = 86_400;
const MOST_WORDS: usize = 64;
const LONGEST_WORD: usize = 4096;
const LONGEST_FILE_NAME: usize = 255;

/// Why a script or a command cannot be, and an example of one that can.
type Refusal = &'static str;

/// What is wrong with hooks, by the name of the field.
pub fn problems(hooks: &Hooks) -> impl Iterator<Item = (String, Refusal)> + '_ {
    let each = [("pre", &hooks.pre), ("post", &hooks.post)];
    each.into_iter().flat_map(|(name, hook)| {
        let problems = hook.iter().flat_map(hook_problems);
        problems.map(move |(field, refusal)| (format!("{name}.{field}"), refusal))
    })
}

fn hook_problems(hook: &Hook) -> impl Iterator<Item = (&'static str, Refusal)> {
    let script = hook.script.expose();
    let text = (1..=LONGEST_SCRIPT).contains(&script.len()) && !script.contains('\0');
    let timeout = (1..=LONGEST_TIMEOUT).contains(&hook.timeout_seconds);
    let rules = [
        ("script", !script.trim().is_empty() && text, "a script of 1 byte to 16 KiB without a zero byte"),
        ("timeout_seconds", timeout, "1 to 86400 seconds, such as 600 for ten minutes"),
    ];
    rules.into_iter().filter(|(_, fits, _)| !fits).map(|(field, _, refusal)| (field, refusal))
}

/// What is wrong with a command, by the name of the field.
pub fn command_problems(command: &CommandSource) -> impl Iterator<Item = (String, Refusal)> + '_ {
    let words = words_problem(command).map(|(place, refusal)| {
        (place.map_or_else(|| "words".to_owned(), |place| format!("words.{place}")), refusal)
    });
    let name = file_name_problem(&command.file_name).map(|refusal| ("file_name".to_owned(), refusal));
    words.into_iter().chain(name)
}

fn words_problem(command: &CommandSource) -> Option<(Option<usize>, Refusal)> {
    let words = &command.words;
    let (most, longest) =
        if command.shell.is_some() { (1, LONGEST_SCRIPT) } else { (MOST_WORDS, LONGEST_WORD) };
    if !(1..=most).contains(&words.len()) {
        return Some((
            None,
            if command.shell.is_some() {
                "exactly one line for the shell, such as `pg_dump shop | gzip`"
            } else {
                "a program and up to 63 arguments, one to a word, such as `pg_dump` and `shop`"
            },
        ));
    }
    let program = words.first().map_or("", |word| word.trim());
    if program.is_empty() || program.starts_with('-') {
        return Some((Some(0), "the name of a program, or its absolute path, such as `pg_dump`"));
    }
    let place = words.iter().position(|word| word.len() > longest || word.contains('\0'))?;
    Some((Some(place), "text without a zero byte: at most 4096 bytes, or 16 KiB for a shell"))
}

fn file_name_problem(name: &str) -> Option<Refusal> {
    let plain = !name.contains(['/', '\\']) && !name.chars().any(char::is_control);
    let named = !matches!(name.trim(), "" | "." | "..") && !name.starts_with('-');
    let fits = plain && named && name.len() <= LONGEST_FILE_NAME;
    (!fits).then_some("the name of one file, without a folder, such as `shop.sql`")
}

/// What a policy file that lists hooks lists for a script: `sha256:` and the digest of its text.
#[must_use]
pub fn digest(hook: &Hook) -> String {
    ContentDigest::of(hook.script.expose().as_bytes()).to_string()
}

/// What a policy file that lists hooks lists for a command: the digest of the shell's line, or of all words, each with
/// a zero byte behind it, as `printf '%s\0' pg_dump shop | sha256sum` makes it.
#[must_use]
pub fn command_digest(command: &CommandSource) -> String {
    let text = match command.shell {
        Some(_) => command.words.concat(),
        None => command.words.iter().flat_map(|word| [word, "\0"]).collect(),
    };
    ContentDigest::of(text.as_bytes()).to_string()
}

/// The program and its arguments that a command comes to. A line for bash fails when any part of a pipe does.
#[must_use]
pub fn command_line(command: &CommandSource) -> Vec<String> {
    let (program, options): (_, &[&str]) = match command.shell {
        None => return command.words.clone(),
        Some(Shell::Bash) => ("bash", &["-o", "pipefail", "-c"]),
        Some(Shell::PowerShell) => ("powershell", &["-NoProfile", "-NonInteractive", "-Command"]),
        Some(_) => ("/bin/sh", &["-c"]),
    };
    let words = core::iter::once(program).chain(options.iter().copied());
    words.map(str::to_owned).chain(command.words.iter().cloned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use restic_manager_proto::SecretText;

    fn hook(script: &str, timeout_seconds: u32) -> Hook {
        Hook { shell: Shell::Sh, script: SecretText::new(script), timeout_seconds }
    }

    fn command(shell: Option<Shell>, words: &[&str], file_name: &str) -> CommandSource {
        let words = words.iter().map(|word| (*word).to_owned()).collect();
        CommandSource { shell, words, file_name: file_name.to_owned() }
    }

    fn fields(command: &CommandSource) -> Vec<String> {
        command_problems(command).map(|(field, _)| field).collect()
    }

    #[test]
    fn a_hook_has_a_text_and_an_end() {
        let wrong = Hooks { pre: Some(hook(" \n", 0)), post: Some(hook(&"x".repeat(16 * 1024 + 1), 86_401)) };
        let fields: Vec<_> = problems(&wrong).map(|(field, _)| field).collect();
        assert_eq!(fields, ["pre.script", "pre.timeout_seconds", "post.script", "post.timeout_seconds"]);
        let right = Hooks { pre: Some(hook("true", 1)), post: Some(hook(&"x".repeat(16 * 1024), 86_400)) };
        assert_eq!(problems(&right).count(), 0);
        assert_eq!(problems(&Hooks { pre: Some(hook("a\0b", 1)), post: None }).count(), 1);
    }

    #[test]
    fn a_command_is_a_program_with_arguments_or_one_line() {
        assert_eq!(fields(&command(None, &["pg_dump", "-x", ""], "shop.sql")), [""; 0]);
        assert_eq!(fields(&command(Some(Shell::Sh), &["a | b"], "shop.sql")), [""; 0]);
        assert_eq!(fields(&command(Some(Shell::Sh), &["a", "b"], "shop.sql")), ["words"]);
        assert_eq!(fields(&command(None, &[], "shop.sql")), ["words"]);
        assert_eq!(fields(&command(None, &["x"; 65], "shop.sql")), ["words"]);
        for program in ["", " ", "-x"] {
            assert_eq!(fields(&command(None, &[program], "shop.sql")), ["words.0"], "{program:?}");
        }
        assert_eq!(fields(&command(None, &["a", "b\0"], "shop.sql")), ["words.1"]);
        assert_eq!(fields(&command(None, &["a", &"b".repeat(4097)], "shop.sql")), ["words.1"]);
    }

    #[test]
    fn the_file_in_the_snapshot_has_a_plain_name() {
        for name in ["", ".", "..", "a/b", "/a", "a\\b", "-a", "a\nb", &"x".repeat(256)] {
            assert_eq!(fields(&command(None, &["a"], name)), ["file_name"], "{name:?}");
        }
    }

    #[test]
    fn digests_are_those_that_a_shell_can_make() {
        // printf '%s' 'exit 0' | sha256sum; printf '%s\0' pg_dump shop | sha256sum
        let script = "sha256:c22995adc29757a99bc9242926a5d5b5a8007ecc78f30943161cf072af42d9d2";
        let words = "sha256:341ebb131631353e64ef71e2220192650a4278001f797d4aeb206f7b59220bc2";
        assert_eq!(digest(&hook("exit 0", 1)), script);
        assert_eq!(command_digest(&command(None, &["pg_dump", "shop"], "x")), words);
        let (joined, apart) = (command(None, &["ab"], "x"), command(None, &["a", "b"], "x"));
        assert_ne!(command_digest(&joined), command_digest(&apart));
        assert_eq!(command_digest(&command(Some(Shell::Sh), &["exit 0"], "x")), script, "as in a hook");
    }

    #[test]
    fn a_failing_part_of_a_pipe_counts_where_the_shell_can_tell() {
        assert_eq!(command_line(&command(None, &["pg_dump", "shop"], "x")), ["pg_dump", "shop"]);
        assert_eq!(command_line(&command(Some(Shell::Sh), &["a | b"], "x")), ["/bin/sh", "-c", "a | b"]);
        let bash = command_line(&command(Some(Shell::Bash), &["a | b"], "x"));
        assert_eq!(bash, ["bash", "-o", "pipefail", "-c", "a | b"]);
    }
}
