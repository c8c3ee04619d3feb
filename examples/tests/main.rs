//! Each example is run as a program, and what it says is read.

mod custom_store;
mod embed_agent;
mod programs;
