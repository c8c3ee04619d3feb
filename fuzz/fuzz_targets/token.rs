//! Text that a caller shows as a token or a fingerprint.
#![no_main]

use libfuzzer_sys::fuzz_target;
use restic_manager_crypto::{Fingerprint, Token, TokenKind};

fuzz_target!(|text: &str| {
    for kind in TokenKind::ALL {
        if let Ok(token) = Token::parse(*kind, text) {
            assert_eq!(token.expose(), text);
            assert_eq!(TokenKind::of(text), Some(*kind));
        }
    }
    if let Ok(fingerprint) = text.parse::<Fingerprint>() {
        assert_eq!(fingerprint.to_string().parse(), Ok(fingerprint));
    }
});
