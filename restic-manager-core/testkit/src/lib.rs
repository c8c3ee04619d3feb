//! Agents that follow a script: they speak the real protocol over a real socket, and do what a test or a measurement
//! tells them. Whatever they do not expect is a panic, because a test ends there.
//!
//! ```no_run
//! use restic_manager_core::clock::{Clock, SystemClock};
//! use restic_manager_crypto::{Identity, SystemRandom};
//! use restic_manager_testkit::{Persona, Remote, ended, started};
//! use std::sync::Arc;
//!
//! # async fn example() {
//! let clock: Arc<dyn Clock> = Arc::new(SystemClock);
//! let fingerprint = "the server's".parse().expect("a fingerprint");
//! let server = Remote { address: ([127, 0, 0, 1], 8080).into(), fingerprint, clock };
//! let key = Identity::generate(&SystemRandom::new());
//! let (mut persona, mut agent) = Persona::enrol(&server, key, "rme_…").await;
//! agent.take_stock(Vec::new()).await;
//! let order = agent.order().await;
//! let now = server.clock.now();
//! persona.report(&mut agent, vec![started(now, order.job), ended(now, order.job)]).await;
//! # }
//! ```
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test ends where it cannot go on")]

mod agent;
mod guest;
mod items;
mod persona;
#[cfg(feature = "postgres")]
pub mod postgres;

pub use agent::{Agent, patiently};
pub use guest::Guest;
pub use items::{ended, lines, started};
pub use persona::{Persona, Remote, shake_hands};
