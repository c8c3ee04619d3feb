//! Typed commands: a verb and its options become arguments and environment.
