use proptest::prelude::*;
use restic_manager_crypto::{CsrfToken, SeededRandom, Token, TokenKind};
use std::collections::HashSet;

fn token(kind: TokenKind) -> Token {
    Token::mint(kind, &SeededRandom::new(1))
}

#[test]
fn each_kind_reads_its_own_tokens_alone() {
    for minted in TokenKind::ALL {
        let token = token(*minted);
        assert_eq!(TokenKind::of(token.expose()), Some(*minted));
        for wanted in TokenKind::ALL {
            let parsed = Token::parse(*wanted, token.expose());
            assert_eq!(parsed.is_ok(), wanted == minted, "{minted:?} as {wanted:?}");
        }
    }
}

#[test]
fn kinds_have_prefixes_of_their_own() {
    let prefixes: HashSet<_> = TokenKind::ALL.iter().map(|kind| kind.prefix()).collect();
    assert_eq!(prefixes.len(), TokenKind::ALL.len());
    assert_eq!(TokenKind::of("rmx_AAAA"), None);
    assert_eq!(TokenKind::of(""), None);
}

#[test]
fn a_renamed_token_is_refused() {
    let body = token(TokenKind::Enrolment).expose()[4..].to_owned();
    assert!(Token::parse(TokenKind::Enrolment, &format!("rme_{body}")).is_ok());
    assert!(Token::parse(TokenKind::Api, &format!("rmt_{body}")).is_err());
}

#[test]
fn every_slip_of_the_hand_is_noticed() {
    let good = token(TokenKind::Agent).expose().to_owned();
    for at in 0..good.len() {
        for wrong in ["A", "z", "-", "_", "=", " ", "é", ""] {
            let text = format!("{}{wrong}{}", &good[..at], &good[at + 1..]);
            assert_eq!(Token::parse(TokenKind::Agent, &text).is_ok(), text == good, "{text}");
        }
        assert!(Token::parse(TokenKind::Agent, &good[..at]).is_err());
    }
    for text in
        [format!("{good}A"), format!(" {good}"), format!("{good}\n"), format!("{good}="), good.to_uppercase()]
    {
        assert!(Token::parse(TokenKind::Agent, &text).is_err(), "{text:?}");
    }
}

#[test]
fn tokens_and_hashes_differ() {
    let random = SeededRandom::new(1);
    let tokens: Vec<_> = (0..100).map(|_| Token::mint(TokenKind::Session, &random)).collect();
    let texts: HashSet<_> = tokens.iter().map(Token::expose).collect();
    let hashes: HashSet<_> = tokens.iter().map(|token| *token.hash().as_bytes()).collect();
    assert_eq!((texts.len(), hashes.len()), (100, 100));
}

#[test]
fn a_form_token_belongs_to_one_session() {
    let random = SeededRandom::new(1);
    let (mine, theirs) = (Token::mint(TokenKind::Session, &random), Token::mint(TokenKind::Session, &random));
    let field = CsrfToken::of(&mine).expose().to_owned();
    assert!(CsrfToken::of(&mine).matches(&field));
    assert!(!CsrfToken::of(&theirs).matches(&field));
    assert!(!CsrfToken::of(&mine).matches(""));
    assert!(!CsrfToken::of(&mine).matches(&field[1..]));
    assert!(!CsrfToken::of(&mine).matches(&format!("{field}A")));
    assert!(!CsrfToken::of(&mine).matches(mine.expose()));
    assert!(!mine.expose().contains(&field));
}

proptest! {
    #[test]
    fn minted_tokens_parse(seed: u64) {
        for kind in TokenKind::ALL {
            let token = Token::mint(*kind, &SeededRandom::new(seed));
            let parsed = Token::parse(*kind, token.expose()).unwrap();
            prop_assert!(parsed == token && parsed.hash() == token.hash() && parsed.kind() == *kind);
        }
    }

    #[test]
    fn what_nobody_minted_does_not_parse(text in "rma_[A-Za-z0-9_-]{48}|\\PC*") {
        prop_assert!(Token::parse(TokenKind::Agent, &text).is_err());
    }
}
