//! Whether hosts may join.

use serde::{Deserialize, Serialize};

use super::{Nothing, endpoints};

endpoints! {
    /// Says whether hosts may join.
    Show("registration.show"): Get "/api/v1/registration" => 200 Json { query: Nothing, response: Registration }
    /// Opens or closes the server to new hosts; those that have joined are not touched.
    Update("registration.update"): Put "/api/v1/registration" => 200 Json { body: Registration, response: Registration }
}

/// Whether hosts may join.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "a request body is written by its caller")]
pub struct Registration {
    /// Whether enrolment tokens can be made and spent.
    pub open: bool,
}
