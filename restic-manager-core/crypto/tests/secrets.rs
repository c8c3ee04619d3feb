use restic_manager_crypto::{
    CsrfToken, Identity, Random, SecretBytes, SecretString, SeededRandom, Token, TokenKind,
};

#[test]
fn debug_never_shows_a_secret() {
    let random = SeededRandom::new(1);
    let token = Token::mint(TokenKind::Agent, &random);
    let csrf = CsrfToken::of(&token);
    let shown = format!(
        "{:?} {:?} {token:?} {csrf:?} {:?} {:?}",
        SecretBytes::new(b"hunter2".to_vec()),
        SecretString::new("hunter2"),
        token.hash(),
        Identity::generate(&random).sign(restic_manager_crypto::Label::Release, b""),
    );
    assert!(!shown.contains("hunter2"));
    assert!(!shown.contains("104")); // "h" in a list of bytes
    assert!(!shown.contains(&token.expose()[4..]));
    assert!(!shown.contains(csrf.expose()));
}

#[test]
fn secrets_compare_by_content() {
    assert_eq!(SecretString::new("a"), SecretString::new("a"));
    assert_ne!(SecretString::new("a"), SecretString::new("b"));
    assert_ne!(SecretString::new("a"), SecretString::new("aa"));
    assert_eq!(SecretBytes::new(vec![1]), SecretBytes::new(vec![1]));
    assert_ne!(SecretBytes::new(vec![1]), SecretBytes::new(vec![1, 0]));
}

#[test]
fn only_text_becomes_text() {
    assert_eq!(SecretBytes::new(b"caf\xc3\xa9".to_vec()).into_string().unwrap().expose(), "café");
    assert!(SecretBytes::new(vec![0xff]).into_string().is_err());
}

#[test]
fn seeded_bytes_are_the_same_every_time_and_never_repeat() {
    let draw = |seed| {
        let random = SeededRandom::new(seed);
        let mut draws = [[0; 40]; 3];
        draws.iter_mut().for_each(|bytes| random.fill(bytes));
        draws
    };
    assert_eq!(draw(1), draw(1));
    assert_ne!(draw(1), draw(2));
    assert_ne!(draw(1)[0], draw(1)[1]);
}
