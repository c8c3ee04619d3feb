//! What the other end of a notification answers: a byte that picks the kind of channel, two for the status, `Retry-After`
//! up to the end of the line, and a body. The body's first eight bytes stand for a secret that it may repeat.
#![no_main]

use core::time::Duration;
use libfuzzer_sys::fuzz_target;
use restic_manager_core::notify::{GIVE_UP, Outcome, judge, next_attempt, without_secrets};
use restic_manager_proto::{Timestamp, vocabulary::ChannelKind};

fuzz_target!(|bytes: &[u8]| {
    let [kind, high, low, rest @ ..] = bytes else { return };
    let kind = ChannelKind::ALL[usize::from(*kind) % ChannelKind::ALL.len()];
    let status = u16::from_be_bytes([*high, *low]);
    let mut parts = rest.splitn(2, |byte| *byte == b'\n');
    let retry_after = parts.next().and_then(|text| core::str::from_utf8(text).ok());
    let body = parts.next().unwrap_or_default();
    let outcome = judge(kind, status, retry_after, body);
    let taken = (200..300).contains(&status);
    assert!(taken || outcome != Outcome::Delivered, "{status} is no yes");
    let (Outcome::Again { why, .. } | Outcome::Gone { why }) = &outcome else { return };
    assert!(why.len() < 500 && !why.chars().any(char::is_control), "{why:?}");
    if let Outcome::Again { after: Some(after), .. } = outcome {
        assert!(after <= Duration::from_secs(86_400));
        let now = Timestamp::from_milliseconds(0);
        let next = next_attempt(now, 1, now, Some(after));
        assert!(next.is_some_and(|next| next > now && next <= now.after(GIVE_UP)));
    }
    if let Some(secret) = body.get(..8).and_then(|secret| core::str::from_utf8(secret).ok()) {
        assert!(secret.contains('…') || !without_secrets(why, [secret]).contains(secret));
    }
});
