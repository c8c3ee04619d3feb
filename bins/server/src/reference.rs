//! The page about all commands, from the commands themselves.

use clap::Command;

/// The commands, as a section of the reference page.
pub(crate) fn of(program: &Command) -> String {
    let mut section = String::from("\n## Commands\n\n| Command | Flag | Meaning |\n|---|---|---|\n");
    for command in program.get_subcommands().filter(|command| !command.is_hide_set()) {
        describe(command, "", &mut section);
    }
    section
}

fn describe(command: &Command, path: &str, section: &mut String) {
    let operands =
        command.get_positionals().map(|operand| format!(" {}", operand.get_id().as_str().to_uppercase()));
    let name = format!("{path}{}{}", command.get_name(), operands.collect::<String>());
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    section.push_str(&format!("| `{name}` |  | {about} |\n"));
    let own = command.get_opts().filter(|flag| !flag.is_global_set());
    for flag in own {
        let help = flag.get_help().map(ToString::to_string).unwrap_or_default();
        section.push_str(&format!("| `{name}` | `--{}` | {help} |\n", flag.get_long().unwrap_or_default()));
    }
    for inner in command.get_subcommands() {
        describe(inner, &format!("{} ", command.get_name()), section);
    }
}
