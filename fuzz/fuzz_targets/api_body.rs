//! Bodies of the HTTP API.
#![no_main]

use libfuzzer_sys::fuzz_target;
use restic_manager_proto::api;

fuzz_target!(|text: &str| {
    drop(serde_json::from_str::<api::enrolments::NewEnrolment>(text));
    drop(serde_json::from_str::<api::repositories::NewRepository>(text));
    drop(serde_json::from_str::<api::source_groups::SourceGroupChange>(text));
    drop(serde_json::from_str::<api::jobs::NewJob>(text));
    drop(serde_json::from_str::<api::pending_hosts::Acceptance>(text));
});
