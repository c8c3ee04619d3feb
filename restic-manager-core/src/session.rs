//! What it means that a browser shows a session's token. Tokens are replaced now and then, so that a stolen one is soon
//! worth nothing, and its use gives the theft away.

use core::time::Duration;
use restic_manager_proto::Timestamp;

/// How tokens follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rotation {
    /// A token of this age is replaced when it is shown.
    pub every: Duration,
    /// How long a replaced token is still good, for requests that were under way with it.
    pub grace: Duration,
}

/// A token that somebody shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShownSession {
    /// When it was made.
    pub created: Timestamp,
    /// When it was first shown, before now.
    pub confirmed: Option<Timestamp>,
    /// When it expires if it isn't used.
    pub idle_expires: Timestamp,
    /// When its family expires.
    pub expires: Timestamp,
    /// The token that took its place.
    pub successor: Option<Successor>,
}

/// A token that took the place of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Successor {
    /// When it was made.
    pub created: Timestamp,
    /// When it was first shown.
    pub confirmed: Option<Timestamp>,
}

/// What it means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenState {
    /// The token is good.
    Good,
    /// It is good, and old enough to be replaced.
    Due,
    /// It was replaced a moment ago: this request was under way meanwhile.
    Overtaken,
    /// It was replaced a while ago, and nobody has shown the new one: it never arrived. Make another.
    Lost,
    /// The session is over.
    Ended,
    /// It was replaced and the new one is in use, or it was given up as lost and is here after all: two hold what only one
    /// should.
    Replayed,
}

/// Judges a token that is shown at `now`.
#[must_use]
pub fn judge(shown: &ShownSession, rotation: Rotation, now: Timestamp) -> TokenState {
    let is_over = now >= shown.expires;
    let is_stale = is_over || now >= shown.idle_expires;
    match shown.successor {
        None if is_stale => TokenState::Ended,
        None if now.since(shown.created) >= rotation.every => TokenState::Due,
        None => TokenState::Good,
        Some(_) if is_over => TokenState::Ended,
        Some(Successor { created, .. })
            if shown.confirmed.is_none() && now.since(created) >= rotation.grace =>
        {
            TokenState::Replayed
        }
        Some(Successor { confirmed: Some(first), .. }) if now.since(first) >= rotation.grace => {
            TokenState::Replayed
        }
        Some(Successor { confirmed: Some(_), .. }) => TokenState::Overtaken,
        Some(_) if is_stale => TokenState::Ended,
        Some(Successor { created, .. }) if now.since(created) >= rotation.grace => TokenState::Lost,
        Some(_) => TokenState::Overtaken,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ROTATION: Rotation = Rotation { every: Duration::from_secs(3600), grace: Duration::from_secs(60) };

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_milliseconds(seconds * 1000)
    }

    fn shown(successor: Option<(i64, Option<i64>)>, now: i64) -> TokenState {
        let successor = successor
            .map(|(created, confirmed)| Successor { created: at(created), confirmed: confirmed.map(at) });
        let confirmed = Some(at(0));
        let token = ShownSession {
            created: at(0),
            confirmed,
            idle_expires: at(43_200),
            expires: at(604_800),
            successor,
        };
        judge(&token, ROTATION, at(now))
    }

    #[test]
    fn a_token_that_was_given_up_as_lost_must_not_turn_up() {
        let successor = Some(Successor { created: at(4000), confirmed: None });
        let (idle_expires, expires) = (at(43_200), at(604_800));
        let token = ShownSession { created: at(3600), confirmed: None, idle_expires, expires, successor };
        assert_eq!(judge(&token, ROTATION, at(4059)), TokenState::Overtaken);
        assert_eq!(judge(&token, ROTATION, at(4060)), TokenState::Replayed);
    }

    #[test]
    fn a_token_is_good_until_it_is_due_and_until_it_dies() {
        assert_eq!(shown(None, 3599), TokenState::Good);
        assert_eq!(shown(None, 3600), TokenState::Due);
        assert_eq!(shown(None, 43_200), TokenState::Ended);
    }

    #[test]
    fn a_replaced_token_is_good_for_a_moment_and_then_gives_the_theft_away() {
        assert_eq!(shown(Some((4000, Some(4001))), 4060), TokenState::Overtaken);
        assert_eq!(shown(Some((4000, Some(4001))), 4061), TokenState::Replayed);
        assert_eq!(
            shown(Some((4000, Some(4001))), 500_000),
            TokenState::Replayed,
            "idleness does not hide it"
        );
        assert_eq!(shown(Some((4000, Some(4001))), 604_800), TokenState::Ended);
    }

    #[test]
    fn an_answer_that_got_lost_signs_nobody_out() {
        assert_eq!(shown(Some((4000, None)), 4059), TokenState::Overtaken);
        assert_eq!(shown(Some((4000, None)), 4060), TokenState::Lost);
        assert_eq!(shown(Some((4000, None)), 43_199), TokenState::Lost);
        assert_eq!(shown(Some((4000, None)), 43_200), TokenState::Ended);
    }

    /// A family as a server keeps it: each token with the index of the one that took its place.
    #[derive(Default)]
    struct Family {
        tokens: Vec<(Timestamp, Option<usize>, Option<Timestamp>)>,
    }

    impl Family {
        /// Shows a token; answers the verdict and, if one was made, the new token.
        fn show(&mut self, token: usize, now: Timestamp) -> (TokenState, Option<usize>) {
            let (created, replaced_by, confirmed) = self.tokens[token];
            let successor =
                replaced_by.map(|by| Successor { created: self.tokens[by].0, confirmed: self.tokens[by].2 });
            let (idle_expires, expires) = (Timestamp::MAX, Timestamp::MAX);
            let facts = ShownSession { created, confirmed, idle_expires, expires, successor };
            let verdict = judge(&facts, ROTATION, now);
            if matches!(verdict, TokenState::Good | TokenState::Due) {
                self.tokens[token].2.get_or_insert(now);
            }
            if !matches!(verdict, TokenState::Due | TokenState::Lost) {
                return (verdict, None);
            }
            let new = self.tokens.len();
            if let Some(stale) = replaced_by {
                self.tokens[stale].1 = Some(new);
            }
            self.tokens[token].1 = Some(new);
            self.tokens.push((now, None, None));
            (verdict, Some(new))
        }
    }

    proptest! {
        /// A browser keeps the last token that reached it; whatever answers get lost, nobody is taken for a thief.
        #[test]
        fn a_browser_alone_is_never_taken_for_a_thief(
            steps in prop::collection::vec((0u64..5000, prop::bool::ANY), 1..80),
        ) {
            let mut family = Family { tokens: vec![(at(0), None, Some(at(0)))] };
            let (mut now, mut held) = (at(0), 0);
            for (wait, arrives) in steps {
                now = now.after(Duration::from_secs(wait));
                let (verdict, new) = family.show(held, now);
                prop_assert!(!matches!(verdict, TokenState::Replayed | TokenState::Ended), "{:?}", verdict);
                if let Some(new) = new.filter(|_| arrives) {
                    held = new;
                }
            }
        }

        /// A thief copies the browser's token once. If both go on using what they hold for long enough, one is found out.
        #[test]
        fn a_thief_is_found_out(order in prop::collection::vec(prop::bool::ANY, 40..80)) {
            let mut family = Family { tokens: vec![(at(0), None, Some(at(0)))] };
            let (mut now, mut held) = (at(0), [0, 0]);
            let mut turns = [0, 0];
            for thief in order {
                now = now.after(Duration::from_secs(1900));
                let who = usize::from(thief);
                let (verdict, new) = family.show(held[who], now);
                if verdict == TokenState::Replayed {
                    return Ok(());
                }
                held[who] = new.unwrap_or(held[who]);
                turns[who] += 1;
            }
            prop_assert!(turns.iter().any(|turns| *turns < 5), "both went on unnoticed");
        }
    }
}
