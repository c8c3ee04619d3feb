//! Real programs, started, joined and broken on purpose: the harness of the end-to-end tests and of the demo.
//!
//! Nothing here stands in for a part of the product or of restic. What tests control is the world around them: the
//! network ([`Proxy`]), the signals ([`Running`]) and the files.
#![expect(clippy::print_stderr, reason = "what the programs said is shown when a test fails")]

mod agent;
mod client;
mod database;
mod demo;
mod failure;
mod files;
mod process;
mod proxy;
mod repository;
mod restic;
mod server;
mod tools;
mod wait;
mod world;

pub use agent::Agent;
pub use client::{Api, JobView, Refusal};
pub use database::Database;
pub use demo::demo;
pub use failure::{Failure, Outcome};
pub use files::{same_content, write_sample_files};
pub use process::{Running, Signal};
pub use proxy::Proxy;
pub use repository::{
    KEEPER, KEEPER_PASSWORD, PASSWORD as STORAGE_PASSWORD, RestServer, USER as STORAGE_USER, address_in,
};
pub use restic::Restic;
pub use server::{Server, ServerOptions};
pub use tools::Tools;
pub use wait::until;
pub use world::{ADMIN, ADMIN_PASSWORD, REPOSITORY_PASSWORD, World, WorldOptions};
