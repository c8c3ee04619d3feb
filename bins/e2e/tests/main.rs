//! End to end: real programs only. Run by `cargo xtask test e2e` and `cargo xtask test browser`.

mod abuse;
mod alerts;
mod announce;
mod backup;
mod browser;
mod browser_announce;
mod browser_forms;
mod browser_people;
mod browser_upkeep;
mod cancel;
mod enrolment;
mod faults;
mod harness;
mod hooks;
mod killed;
mod metrics;
mod notifications;
mod recovery;
mod remote_pages;
mod repository_facts;
mod secrets;
mod support;
mod trouble;
mod trust;
mod upkeep;
