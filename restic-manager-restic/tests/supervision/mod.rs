//! How a child is looked after, shown with small programs that misbehave on purpose.
//!
//! They are shell scripts that ignore their arguments; what they do is the test's subject, so real restic cannot take
//! their place. Time is real, but nothing is asserted about how long something took.

mod ends;
mod input;
mod pipes;
mod script;
mod secrets;
mod support;
