//! Pages that come from tables in the code: about all commands, and about all limits.

use clap::Command;
use restic_manager_server::{
    config::Limits,
    limits::{ALL, Limit, SHARED},
};

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

/// The page about all metrics.
pub(crate) fn metrics() -> String {
    format!(
        "# Metrics\n\n<!-- written by `cargo xtask docs`, from the table in the code -->\n\nWhat `/metrics` tells, see \
         [Prometheus and Grafana](../operations/metrics.md). Series have the labels `host`, `group` and `repository` by name, and \
         `kind`, `state`, `result`, `severity` from the API's words. What is not known has no series. A histogram has the \
         endings `_bucket`, `_sum` and `_count`.\n\n{}",
        restic_manager_server::metrics_reference()
    )
}

/// The page about all limits.
pub(crate) fn limits() -> String {
    let mut page = String::from(
        "# Limits\n\n<!-- written by `cargo xtask docs`, from the tables in the code -->\n\nWhat one peer may take. Each number has a place \
         that holds to it and a test that shows so; another test compares these tables with the sources.\n",
    );
    page.push_str("\n## Of the server\n\nPlaces are below `restic-manager-core/server/src/`.\n\n");
    table(ALL, &mut page);
    page.push_str("\n## Of every caller\n\nWho embeds the server may choose others.\n\n");
    table(&Limits::default().rows(), &mut page);
    page.push_str(
        "\n## Of both ends of an agent's connection\n\nWho makes a thing and who takes it ask the same table, `restic-manager-proto/src/limits.rs`. \
         What is longer is cut with a mark, sent in parts, or replaced by a word that says what was left out.\n\n| Limit | Number | What it bounds | Test |\n|---|---|---|---|\n",
    );
    for limit in SHARED {
        page.push_str(&format!(
            "| `{}` | {} | {} | `{}` |\n",
            limit.name, limit.number, limit.what, limit.test
        ));
    }
    page
}

fn table(limits: &[Limit], page: &mut String) {
    page.push_str("| Limit | Number | What it bounds | Place | Test |\n|---|---|---|---|---|\n");
    for Limit { name, number, what, place, test, .. } in limits {
        page.push_str(&format!("| `{name}` | {number} | {what} | `{place}` | `{test}` |\n"));
    }
}
