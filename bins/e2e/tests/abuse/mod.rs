//! What an attacker tries, against the stock server over the network: one test per line of the threat model's list of
//! what is defended. Run by `cargo xtask test abuse`.

mod agents;
mod announcing;
mod crossing;
mod forgery;
mod guessing;
mod limits;
mod model;
mod outgoing;
mod proof;
mod requests;
mod restores;
mod scopes;
mod stolen;
mod support;
mod text;
