//! Whether somebody may scrape metrics.

use http::{HeaderMap, header};
use restic_manager_proto::api::Code;

use crate::{
    call::caller::RequestFacts,
    config::{Metrics, Refused},
    failure::Failure,
};

/// Refuses whoever shows no token or comes from elsewhere.
pub(super) fn check(metrics: &Metrics, headers: &HeaderMap, facts: &RequestFacts) -> Result<(), Failure> {
    metrics.admit(facts.address, bearer(headers)).map_err(|refused| {
        tracing::warn!(client.address = facts.address.map(tracing::field::display), ?refused, "refused metrics");
        match refused {
            Refused::Token => Failure::new(
                Code::Unauthenticated,
                "metrics are for who shows their token",
                "send the value of RM_METRICS_TOKEN as `Authorization: Bearer …`",
            ),
            Refused::Network => Failure::new(
                Code::Forbidden,
                "metrics are for some networks alone, and this request comes from elsewhere",
                "scrape from a network of RM_METRICS_TRUSTED_CIDR; behind a proxy set RM_TRUSTED_PROXY as well",
            ),
        }
    })
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}
