//! The page about all alerts, from their table.

use restic_manager_server::{AlertMeaning, AlertResolved, alert_meanings};

const HEAD: &str = "# Alerts

<!-- written by `cargo xtask docs alerts` -->

An alert is one matter that needs somebody. Of each kind and subject at most one lasts: finding it again counts on it. It
is raised in the transaction that commits the fact, or, where time alone makes it, within 15 seconds.

- **Open** until somebody takes it on, with a reason and for a time, or until it is over. When the time passes, or it
  becomes graver, it is open again.
- **Over** by itself when the rule no longer finds it, or by hand. What is found again within an hour is the same alert.
  What came back twice is over only after an hour of calm, so that it is not told again and again.
- **Cause.** Where one cause hits many, the others stand below its alert and are told with it: failed backups below an
  unreachable repository, overdue backups below a silent host, silent hosts below the one alert that many are silent.
- **Maintenance.** Inside a maintenance window neither silence nor an overdue backup of its hosts is raised.
- **Kept.** What became of it stands on its page; 90 days after it is over it is forgotten. The audit log keeps who took
  it on and closed it.
";

/// The page.
pub(crate) fn page() -> String {
    let mut page = HEAD.to_owned();
    let mut rows: Vec<_> = alert_meanings().collect();
    rows.sort_by_key(|row| (row.subject, row.kind.as_str()));
    let mut subject = "";
    for row in rows {
        if row.subject != subject {
            subject = row.subject;
            page.push_str(&format!("\n## About {}\n", spoken(subject)));
        }
        describe(row, &mut page);
    }
    page
}

fn spoken(subject: &str) -> String {
    match subject {
        "server" => "the server".to_owned(),
        "api-token" => "an API token".to_owned(),
        other => format!("a {}", other.replace('-', " ")),
    }
}

fn describe(row: &AlertMeaning, page: &mut String) {
    let graver = row
        .graver_after
        .map_or_else(String::new, |times| format!(", critical from the {times}rd time in a row on"));
    let grace = match row.grace.as_secs() {
        0 => "none".to_owned(),
        seconds => format!("{} minutes", seconds / 60),
    };
    let resolved = match row.resolved {
        AlertResolved::ByHand => "Somebody declares it over.",
        AlertResolved::ByRule(sentence) => sentence,
    };
    page.push_str(&format!(
        "\n### {}\n\n- Severity: {}{graver}\n- Raised when: {}\n- Grace: {grace}\n- Over when: {resolved}\n- What to do: {}\n",
        row.kind, row.severity, row.raised, row.next_step,
    ));
}
