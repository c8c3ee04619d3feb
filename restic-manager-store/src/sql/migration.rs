//! Schemas as numbered steps, forward only.

use crate::{Error, ErrorKind};

/// One step. Its text never changes once it was released.
pub(crate) struct Migration {
    pub(crate) number: i64,
    pub(crate) name: &'static str,
    pub(crate) sql: &'static str,
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
