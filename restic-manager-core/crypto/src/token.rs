//! Tokens that callers show: random, prefixed by kind, stored only as hashes.

use base64ct::{Base64UrlUnpadded, Encoding as _};
use core::fmt;
use ring::digest::{SHA256, digest};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::{
    Random, SecretString,
    derive::{Label, derive_key},
};

const PREFIX_LEN: usize = 4;
const RANDOM_LEN: usize = 32;
const CHECKSUM_LEN: usize = 4;
const BODY_LEN: usize = RANDOM_LEN + CHECKSUM_LEN;
/// 36 bytes are 48 letters with no bit to spare, so each token has exactly one spelling.
const TEXT_LEN: usize = PREFIX_LEN + BODY_LEN / 3 * 4;

/// What a token is for; each kind has its prefix, so that one is never taken for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TokenKind {
    /// An enrolled agent's.
    Agent,
    /// A browser's login.
    Session,
    /// One invitation for a host.
    Enrolment,
    /// Makes the first admin.
    Bootstrap,
    /// Automation's.
    Api,
    /// A link by which a person sets a password.
    Setup,
}

impl TokenKind {
    /// Every kind.
    pub const ALL: &[Self] =
        &[Self::Agent, Self::Session, Self::Enrolment, Self::Bootstrap, Self::Api, Self::Setup];

    /// The first four letters of each token of the kind.
    #[must_use]
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Agent => "rma_",
            Self::Session => "rms_",
            Self::Enrolment => "rme_",
            Self::Bootstrap => "rmb_",
            Self::Api => "rmt_",
            Self::Setup => "rmu_",
        }
    }

    /// The kind that a text claims to be.
    #[must_use]
    pub fn of(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| text.starts_with(kind.prefix()))
    }
}

/// A text is not a token of the wanted kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a whole token of the right kind; copy all {TEXT_LEN} letters of it")]
#[non_exhaustive]
pub struct TokenError;

/// A token: prefix, 32 random bytes and a checksum that tells a slip of the hand from a guess.
///
/// ```
/// use restic_manager_crypto::{SystemRandom, Token, TokenKind};
/// let token = Token::mint(TokenKind::Enrolment, &SystemRandom::new());
/// let stored = token.hash();
///
/// let shown = Token::parse(TokenKind::Enrolment, token.expose())?;
/// assert!(shown.hash() == stored);
/// assert!(Token::parse(TokenKind::Api, token.expose()).is_err());
/// # Ok::<(), restic_manager_crypto::TokenError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Token {
    kind: TokenKind,
    text: SecretString,
}

impl Token {
    /// Makes a new token.
    #[must_use]
    pub fn mint(kind: TokenKind, random: &dyn Random) -> Self {
        let mut body = Zeroizing::new([0; BODY_LEN]);
        random.fill(&mut body[..RANDOM_LEN]);
        let checksum = checksum(kind, &body[..RANDOM_LEN]);
        body[RANDOM_LEN..].copy_from_slice(&checksum);
        let letters = Zeroizing::new(Base64UrlUnpadded::encode_string(body.as_slice()));
        let mut text = String::with_capacity(TEXT_LEN);
        text.push_str(kind.prefix());
        text.push_str(&letters);
        Self { kind, text: SecretString::new(text) }
    }

    /// Reads a token that somebody shows.
    ///
    /// # Errors
    /// When it is of another kind, cut short or misspelt.
    pub fn parse(kind: TokenKind, text: &str) -> Result<Self, TokenError> {
        let letters = text.strip_prefix(kind.prefix()).ok_or(TokenError)?;
        if text.len() != TEXT_LEN {
            return Err(TokenError);
        }
        let mut body = Zeroizing::new([0; BODY_LEN]);
        Base64UrlUnpadded::decode(letters, body.as_mut_slice()).map_err(|_| TokenError)?;
        let expected = checksum(kind, &body[..RANDOM_LEN]);
        if bool::from(body[RANDOM_LEN..].ct_eq(&expected)) {
            Ok(Self { kind, text: SecretString::new(text) })
        } else {
            Err(TokenError)
        }
    }

    /// What the token is for.
    #[must_use]
    pub const fn kind(&self) -> TokenKind {
        self.kind
    }

    /// The text to hand out, once. Whoever calls this answers for where it goes.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.text.expose()
    }

    /// What is stored of the token.
    #[must_use]
    pub fn hash(&self) -> TokenHash {
        let mut hash = [0; 32];
        hash.copy_from_slice(digest(&SHA256, self.expose().as_bytes()).as_ref());
        TokenHash(hash)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token({}…)", self.kind.prefix())
    }
}

fn checksum(kind: TokenKind, random: &[u8]) -> [u8; CHECKSUM_LEN] {
    let mut input = Zeroizing::new([0; PREFIX_LEN + RANDOM_LEN]);
    input[..PREFIX_LEN].copy_from_slice(kind.prefix().as_bytes());
    input[PREFIX_LEN..].copy_from_slice(random);
    let hash = digest(&SHA256, input.as_slice());
    let mut checksum = [0; CHECKSUM_LEN];
    checksum.copy_from_slice(&hash.as_ref()[..CHECKSUM_LEN]);
    checksum
}

/// SHA-256 of a token's whole text: what a database keeps and looks up. A fast hash is right here, because
/// 32 random bytes cannot be guessed.
#[derive(Clone, Copy, Eq)]
pub struct TokenHash([u8; 32]);

impl TokenHash {
    /// A hash as it is stored.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The hash as it is stored.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl PartialEq for TokenHash {
    /// Takes the same time wherever the difference lies.
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TokenHash({:02x}{:02x}…)", self.0[0], self.0[1])
    }
}

/// Proof that a form came from a page of ours: follows from the session's token, which other sites cannot
/// read, and needs no storage of its own.
///
/// ```
/// use restic_manager_crypto::{CsrfToken, SystemRandom, Token, TokenKind};
/// let session = Token::mint(TokenKind::Session, &SystemRandom::new());
/// let hidden_field = CsrfToken::of(&session).expose().to_owned();
/// assert!(CsrfToken::of(&session).matches(&hidden_field));
/// assert!(!CsrfToken::of(&session).matches("guess"));
/// ```
#[derive(Clone, Debug)]
pub struct CsrfToken(SecretString);

impl CsrfToken {
    /// The one value that belongs to a session.
    #[must_use]
    pub fn of(session: &Token) -> Self {
        let key = derive_key(session.expose().as_bytes(), &[], Label::CsrfToken);
        Self(SecretString::new(Base64UrlUnpadded::encode_string(key.as_slice())))
    }

    /// The text for the form. It belongs to the page of that session alone.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose()
    }

    /// Whether a submitted text is this value; takes the same time wherever it differs.
    #[must_use]
    pub fn matches(&self, submitted: &str) -> bool {
        self.expose().as_bytes().ct_eq(submitted.as_bytes()).into()
    }
}
