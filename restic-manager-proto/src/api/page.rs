//! Lists come in pages.

use core::fmt;
use serde::{Deserialize, Serialize};

/// Most items a page may hold; the default is 50.
pub const MAX_PAGE_SIZE: u32 = 500;

/// Where the next page starts. Opaque: hand back what the last page gave.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct Cursor(String);

impl Cursor {
    /// Wraps a cursor's text.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The cursor's text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Some items of a list, and where it goes on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "{T}Page"))]
#[expect(clippy::exhaustive_structs, reason = "complete: a list says nothing more")]
pub struct Page<T> {
    /// The items, in the list's order.
    pub items: Vec<T>,
    /// The cursor of the next page; absent on the last.
    #[serde(default)]
    pub next: Option<Cursor>,
}

/// Another resource, by id and by name, so that a page needs no second request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "{Id}Reference"))]
#[expect(clippy::exhaustive_structs, reason = "complete: a reference is an id and a name")]
pub struct Reference<Id> {
    /// Its id.
    pub id: Id,
    /// Its name, as it is now.
    pub name: String,
}
