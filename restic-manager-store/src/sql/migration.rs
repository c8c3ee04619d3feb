//! Schemas as numbered steps, forward only; the same steps for both databases, in the words of each.

use crate::{Error, ErrorKind};

/// One step. Its texts never change once it was released.
#[derive(Clone, Copy)]
pub(crate) struct Migration {
    pub(crate) number: i64,
    pub(crate) name: &'static str,
    #[cfg(feature = "sqlite")]
    pub(crate) sqlite: &'static str,
    #[cfg(feature = "postgres")]
    pub(crate) postgres: &'static str,
}

/// Steps by the names of their files, which are the same in the folders of both databases.
macro_rules! migrations {
    ($($file:literal,)*) => {
        &[$(Migration {
            number: number($file),
            name: $file.split_at(5).1,
            #[cfg(feature = "sqlite")]
            sqlite: include_str!(concat!("../../migrations/sqlite/", $file, ".sql")),
            #[cfg(feature = "postgres")]
            postgres: include_str!(concat!("../../migrations/postgres/", $file, ".sql")),
        }),*]
    };
}

pub(crate) const MIGRATIONS: &[Migration] = migrations![
    "0001_foundation",
    "0002_schedules",
    "0003_alerts",
    "0004_scopes",
    "0005_retention",
    "0006_session_proof",
    "0007_audit_proof",
    "0008_agent_tokens",
    "0009_people",
    "0010_plans",
    "0011_factors",
    "0012_upkeep",
    "0013_trust",
    "0014_group_standings",
    "0015_api_token_scopes",
    "0016_measurements",
    "0017_previews",
    "0018_hooks",
    "0019_backups",
    "0020_maintenance",
    "0022_freezes",
    "0024_notifications",
    "0025_alert_lifecycle",
    "0027_failing",
    "0028_places",
    "0029_newest",
    "0032_expiring_tokens",
    "0033_reminders",
];

/// The four digits that a file's name begins with.
const fn number(file: &str) -> i64 {
    let digits = file.as_bytes();
    let mut number = 0;
    let mut index = 0;
    while index < 4 {
        number = number * 10 + (digits[index] - b'0') as i64;
        index += 1;
    }
    number
}

/// A step that a database has taken.
pub(crate) struct Applied {
    pub(crate) number: i64,
    pub(crate) name: String,
}

/// The steps that a database has yet to take. Refuses one that took steps unknown here.
pub(crate) fn pending<'m>(known: &'m [Migration], applied: &[Applied]) -> Result<&'m [Migration], Error> {
    for (index, step) in applied.iter().enumerate() {
        match known.get(index) {
            None => {
                let newer = format!("it has step {} ({})", step.number, step.name);
                return Err(Error::new(ErrorKind::NewerSchema, "a migration unknown here").because(newer));
            }
            Some(migration) if (migration.number, migration.name) == (step.number, step.name.as_str()) => {}
            Some(_) => return Err(Error::new(ErrorKind::Corrupt, "list of migrations")),
        }
    }
    Ok(&known[applied.len()..])
}

/// A database that was opened to be looked at, and lacks steps.
pub(crate) fn older() -> Error {
    Error::new(ErrorKind::OlderSchema, "start the server once, or use the program of its version")
}
