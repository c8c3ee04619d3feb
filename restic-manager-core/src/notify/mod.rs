//! Notifications: what channels are, who is told of what and when, and what is asked of the other end. All of it is pure; what
//! opens connections is the server's.

mod answer;
mod attempt;
mod channel;
mod check;
mod digest;
mod group;
mod guard;
mod message;
mod outgoing;
mod quiet;
mod route;
mod shape;
mod table;
mod target;

pub use answer::{Outcome, judge, without_secrets};
pub use attempt::{GIVE_UP, TROUBLE_AFTER, next_attempt};
pub use channel::{Check, Field, Kind, Unfit, Values};
pub use check::{description, prepare, problems};
pub use digest::{MOST_NAMED, Report};
pub use group::{GROUP_AGAIN, GROUP_WAIT, Item, MOST_ITEMS, due, join};
pub use guard::{is_allowed, is_public};
pub use message::{Message, compose};
pub use outgoing::{HttpRequest, Mail, Outgoing, Security};
pub use quiet::{minute_of_day, next_digest, quiet_until, zone};
pub use route::{Decision, Facts, Muted, Route, Told, Verdict, decide, matches};
pub use table::KINDS;
pub use target::{Target, TargetError};

#[cfg(test)]
mod tests;
