//! Compiled examples.
