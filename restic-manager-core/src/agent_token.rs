//! Replacing an agent's token while it works: which tokens are good at any moment, and when another is due.
//!
//! The server offers a new token and from then on takes the old **or** the new one. The agent keeps the new one before
//! it answers. The new one comes into force with the answer, or when the agent shows it, whichever is first; the
//! old one is revoked in the same moment. An agent that shows the old one has not kept the new one, so the offer is
//! withdrawn. While an offer is open there is no second: an agent that has kept the first would be locked out. Whoever
//! is killed at whatever point, the next connection works.

use core::time::Duration;
use restic_manager_proto::{HostId, Timestamp};

/// The tokens of one agent, or their hashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tokens<T> {
    /// In force.
    pub current: T,
    /// Offered in place of that one.
    pub next: Option<T>,
    /// Revoked last.
    pub last: Option<T>,
}

/// What an agent that holds its key has shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenMatch {
    /// The token in force; an open offer is withdrawn.
    Current,
    /// The one that it was offered, which comes into force.
    Next,
    /// The one that was revoked last: a copy of the agent's files is in use, or a restored one.
    Revoked,
    /// None of these.
    Unknown,
}

/// Judges a token.
pub fn judge<T: PartialEq>(tokens: &Tokens<T>, shown: &T) -> TokenMatch {
    if tokens.current == *shown {
        TokenMatch::Current
    } else if tokens.next.as_ref() == Some(shown) {
        TokenMatch::Next
    } else if tokens.last.as_ref() == Some(shown) {
        TokenMatch::Revoked
    } else {
        TokenMatch::Unknown
    }
}

/// Whether an agent's token is to be replaced: at once when somebody asked for it (`since` is absent), else by age. Hosts
/// that enrolled on one day do not all come on one day: each has its own moment in the last tenth of the age.
#[must_use]
pub fn is_due(host: HostId, since: Option<Timestamp>, lifetime: Duration, now: Timestamp) -> bool {
    let Some(since) = since else { return true };
    let early = lifetime.mul_f64(share(host) / 10.0);
    !lifetime.is_zero() && now >= since.after(lifetime.saturating_sub(early))
}

/// A host's own share of a span over which the fleet is spread, from 0 to 1.
#[must_use]
pub fn share(host: HostId) -> f64 {
    let bytes = host.as_bytes();
    f64::from(u16::from_be_bytes([bytes[14], bytes[15]])) / f64::from(u16::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[derive(Clone, Copy, Debug)]
    enum Step {
        /// The server commits an offer, and sends it if the agent is connected.
        Offer,
        /// The agent keeps what was sent.
        Keep,
        /// The agent's answer is committed by the server.
        Answer,
        /// The connection breaks; what was under way is lost.
        Break,
        /// The agent is killed and starts again from its disk.
        KillAgent,
        /// The server is killed; what it had committed stays.
        KillServer,
        /// The agent connects.
        Connect,
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            Just(Step::Offer),
            Just(Step::Keep),
            Just(Step::Answer),
            Just(Step::Break),
            Just(Step::KillAgent),
            Just(Step::KillServer),
            Just(Step::Connect),
        ];
        prop::collection::vec(step, 0..60)
    }

    /// Both ends and what is under way between them.
    struct World {
        server: Tokens<u32>,
        disk: u32,
        memory: u32,
        connected: bool,
        sent: Option<u32>,
        answered: Option<u32>,
        minted: u32,
    }

    impl World {
        fn new() -> Self {
            let server = Tokens { current: 0, next: None, last: None };
            Self { server, disk: 0, memory: 0, connected: true, sent: None, answered: None, minted: 0 }
        }

        fn confirm(&mut self) {
            if let Some(next) = self.server.next.take() {
                self.server.last = Some(self.server.current);
                self.server.current = next;
            }
        }

        fn hang_up(&mut self) {
            (self.connected, self.sent, self.answered) = (false, None, None);
        }

        fn connect(&mut self) -> TokenMatch {
            self.hang_up();
            let shown = judge(&self.server, &self.memory);
            match shown {
                TokenMatch::Current => self.server.next = None,
                TokenMatch::Next => self.confirm(),
                TokenMatch::Revoked | TokenMatch::Unknown => return shown,
            }
            self.connected = true;
            shown
        }

        fn take(&mut self, step: Step) {
            match step {
                Step::Offer if self.connected && self.server.next.is_none() => {
                    self.minted += 1;
                    self.server.next = Some(self.minted);
                    self.sent = Some(self.minted);
                }
                Step::Keep => {
                    if let Some(token) = self.sent.take() {
                        // Disk first, then memory: a kill between the two is a kill after this step.
                        (self.disk, self.memory) = (token, token);
                        self.answered = Some(token);
                    }
                }
                Step::Answer => {
                    if self.answered.take().is_some_and(|token| self.server.next == Some(token)) {
                        self.confirm();
                    }
                }
                Step::Break | Step::KillServer => self.hang_up(),
                Step::KillAgent => {
                    self.hang_up();
                    self.memory = self.disk;
                }
                Step::Connect => {
                    self.connect();
                }
                Step::Offer => {}
            }
        }
    }

    proptest! {
        #[test]
        fn whatever_happens_the_next_connection_works(steps in steps()) {
            let mut world = World::new();
            for step in steps {
                world.take(step);
                let mut later = World { connected: false, ..copy(&world) };
                later.memory = later.disk;
                let shown = later.connect();
                prop_assert!(matches!(shown, TokenMatch::Current | TokenMatch::Next), "{shown:?} after {step:?}");
                prop_assert_eq!(later.server.next, None);
            }
        }

        #[test]
        fn what_was_replaced_is_never_taken_again(steps in steps()) {
            let mut world = World::new();
            let mut replaced = Vec::new();
            for step in steps {
                let before = world.server.current;
                world.take(step);
                if world.server.current != before {
                    prop_assert_eq!(judge(&world.server, &before), TokenMatch::Revoked);
                    replaced.push(before);
                }
                for old in &replaced {
                    prop_assert!(matches!(judge(&world.server, old), TokenMatch::Revoked | TokenMatch::Unknown));
                }
            }
        }
    }

    fn copy(world: &World) -> World {
        World { server: world.server, ..*world }
    }

    #[test]
    fn age_is_spread_and_a_wish_is_due_at_once() {
        let month = Duration::from_secs(30 * 24 * 3600);
        let since = Some(Timestamp::from_milliseconds(0));
        let at = |days: i64| Timestamp::from_milliseconds(days * 24 * 3600 * 1000);
        let (early, late) = (HostId::from_bytes([0xff; 16]), HostId::from_bytes([0; 16]));
        assert!(!is_due(early, since, month, at(26)) && is_due(early, since, month, at(28)));
        assert!(!is_due(late, since, month, at(29)) && is_due(late, since, month, at(30)));
        assert!(is_due(late, None, month, at(0)));
        assert!(!is_due(early, since, Duration::ZERO, at(10_000)), "no age means never");
    }
}
