//! Proofs of identity: examined here, whichever route takes them, and spent in the transaction that they are for.

use core::time::Duration;
use data_encoding::BASE64URL_NOPAD;
use restic_manager_crypto::{
    Assertion, Context, OwnerCheck, PasskeyError, PasskeyKey, RecoveryCode, RelyingParty, Sealed, TotpSecret,
    Verdict, verify_passkey,
};
use restic_manager_proto::{
    PasskeyId, SessionId, Timestamp, UserId,
    api::{
        factors::{PasskeyAnswer, PasskeyRequest},
        session::Proof,
    },
    vocabulary::{Action, AlertKind, Outcome},
};
use restic_manager_store::{
    Audit, TokenHash, Transaction, alerts::AlertSubject, factors::Passkey, retry, users::User,
};

use super::value::{hash_of, secret, stored_hash};
use crate::{
    call::Cx,
    domain::alerts,
    entry::subject,
    failure::Failure,
    parts::{Parts, passwords::Guesser},
};

/// How long a challenge can be answered.
const CHALLENGE_LIFETIME: Duration = Duration::from_secs(5 * 60);

/// What a proof is for. A challenge made for one purpose is good for no other.
#[derive(Clone, Copy, Debug)]
pub(super) enum Purpose {
    /// A passkey in place of name and password.
    SignIn,
    /// The second step of signing in.
    SecondStep(UserId),
    /// A dangerous act in a session.
    Act(SessionId),
    /// A new passkey.
    Register(SessionId),
}

/// A proof that was right, and must still be spent.
pub(super) enum Evidence {
    Password,
    Totp { step: u64 },
    RecoveryCode { code: TokenHash },
    Passkey { id: PasskeyId, counter: u32, challenge: Once },
}

/// Something that is good once.
#[derive(Clone, Copy, Debug)]
pub(super) struct Once {
    pub(super) hash: TokenHash,
    pub(super) expires: Timestamp,
}

impl Once {
    pub(super) async fn spend(
        &self,
        transaction: &mut dyn Transaction,
        now: Timestamp,
    ) -> Result<bool, Failure> {
        Ok(transaction.factors().spend_once(&self.hash, self.expires, now).await?)
    }
}

impl Evidence {
    /// The word for the audit log.
    pub(super) const fn word(&self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Totp { .. } => "totp",
            Self::RecoveryCode { .. } => "recovery-code",
            Self::Passkey { .. } => "passkey",
        }
    }

    /// Spends it; says no when it was spent already.
    pub(super) async fn spend(
        &self,
        transaction: &mut dyn Transaction,
        user: UserId,
        now: Timestamp,
    ) -> Result<bool, Failure> {
        match self {
            Self::Password => Ok(true),
            Self::Totp { step } => Ok(transaction.factors().spend_totp(user, *step, now).await?),
            Self::RecoveryCode { code } => Ok(transaction.factors().spend_recovery_code(user, code).await?),
            Self::Passkey { id, counter, challenge } => {
                let forward = transaction.factors().use_passkey(*id, *counter, now).await?;
                Ok(forward && challenge.spend(transaction, now).await?)
            }
        }
    }
}

/// What a proof is worth; nothing when it is wrong.
pub(super) async fn examine(
    cx: &Cx,
    user: &User,
    proof: Proof,
    purpose: Purpose,
) -> Result<Option<Evidence>, Failure> {
    match proof {
        Proof::Password { password } => {
            let stored = Some(user.password.as_str().to_owned());
            let verdict = cx.parts().passwords.verify(secret(password), stored, Guesser::Known).await?;
            Ok((verdict != Verdict::Wrong).then_some(Evidence::Password))
        }
        Proof::Code { code } => examine_code(cx, user.id, code.expose()).await,
        Proof::Passkey { answer } => {
            let Some(passkey) = passkey_of(cx, &answer).await?.filter(|passkey| passkey.user == user.id)
            else {
                return Ok(None);
            };
            examine_passkey(cx, &passkey, &answer, purpose).await
        }
        _ => Ok(None),
    }
}

/// Six digits are a code of the app, anything else one on paper.
async fn examine_code(cx: &Cx, user: UserId, code: &str) -> Result<Option<Evidence>, Failure> {
    let digits: String = code.chars().filter(|letter| !letter.is_whitespace()).collect();
    if digits.len() != 6 || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        let code = RecoveryCode::parse(code).map(|code| stored_hash(&code.hash(user.as_bytes())));
        return Ok(code.map(|code| Evidence::RecoveryCode { code }));
    }
    let Some(totp) = cx.read().await?.factors().totp(user).await? else { return Ok(None) };
    let context = Context::totp_secret(user.as_bytes());
    let opened = cx.parts().keyring.open(&context, &Sealed::from_bytes(totp.secret.as_bytes()));
    let opened = opened
        .map_err(|error| Failure::internal("could not open the secret of an authenticator app", error))?;
    let secret = TotpSecret::from_bytes(opened)
        .ok_or(Failure::Internal("the secret of an authenticator app is of another length", None))?;
    let step = secret.step_of(&digits, seconds(cx.now()), Some(totp.last_step));
    Ok(step.map(|step| Evidence::Totp { step }))
}

pub(super) fn seconds(now: Timestamp) -> u64 {
    u64::try_from(now.as_milliseconds() / 1000).unwrap_or_default()
}

pub(super) async fn passkey_of(cx: &Cx, answer: &PasskeyAnswer) -> Result<Option<Passkey>, Failure> {
    let Some(credential) = bytes(&answer.credential) else { return Ok(None) };
    Ok(cx.read().await?.factors().passkey_of(&credential).await?)
}

pub(super) async fn examine_passkey(
    cx: &Cx,
    passkey: &Passkey,
    answer: &PasskeyAnswer,
    purpose: Purpose,
) -> Result<Option<Evidence>, Failure> {
    let parts = cx.parts();
    let key = PasskeyKey::from_cose(&passkey.key)
        .map_err(|error| Failure::internal("could not read the key of a passkey", error))?;
    let (Some(challenge), Some(client_data), Some(authenticator_data), Some(signature)) = (
        bytes(&answer.challenge),
        bytes(&answer.client_data),
        bytes(&answer.authenticator_data),
        bytes(&answer.signature),
    ) else {
        return Ok(None);
    };
    let Some(once) = answered(parts, purpose, &challenge, cx.now()) else { return Ok(None) };
    let handle = answer.user.as_ref().map(|user| BASE64URL_NOPAD.decode(user.as_bytes()));
    if handle.is_some_and(|handle| handle.ok().as_deref() != Some(passkey.user.as_bytes())) {
        return Ok(None);
    }
    let owner = match purpose {
        Purpose::SignIn => OwnerCheck::Required,
        _ => OwnerCheck::Optional,
    };
    let origin = parts.config.base_url.to_string();
    let party = RelyingParty::new(parts.config.base_url.host(), &origin);
    let assertion = Assertion {
        client_data: &client_data,
        authenticator_data: &authenticator_data,
        signature: &signature,
    };
    match verify_passkey(party, &challenge, &key, passkey.counter, owner, assertion) {
        Ok(counter) => Ok(Some(Evidence::Passkey { id: passkey.id, counter, challenge: once })),
        Err(error) => {
            tracing::warn!(passkey.id = %passkey.id, user.id = %passkey.user, %error, "a passkey was not accepted");
            if error == PasskeyError::Counter {
                tell_of_copy(cx, passkey, once).await?;
            }
            Ok(None)
        }
    }
}

/// The signature is the passkey's, and its counter did not go forward: somebody may hold a copy. An answer that is
/// merely sent twice is known by its challenge, and is no such thing.
async fn tell_of_copy(cx: &Cx, passkey: &Passkey, challenge: Once) -> Result<(), Failure> {
    let parts = cx.parts();
    let owner = cx.read().await?.users().find(passkey.user).await?;
    let owner = owner.map(|user| user.name).unwrap_or_default();
    let detail = serde_json::json!({ "passkey": passkey.name, "id": passkey.id.to_string() });
    let found = alerts::found(
        parts,
        AlertKind::PasskeyCounter,
        AlertSubject::new("user", passkey.user),
        &owner,
        format!(
            "A passkey's count of signatures did not go forward: “{}” may have been copied.",
            passkey.name
        ),
        detail.clone(),
    );
    let subject = subject("user", passkey.user, owner);
    let entry = cx.entry(Action::PasskeyCounter, subject, Outcome::Refused, detail);
    retry(async || {
        let mut change = cx.begin().await?;
        if challenge.spend(change.as_mut(), cx.now()).await? {
            alerts::raise(&mut change, &found).await?;
            change.commit(Audit::entry(entry.clone())).await?;
        }
        Ok::<_, Failure>(())
    })
    .await
}

/// What a browser needs to use a passkey. Making a challenge leaves nothing behind: it is known again by its seal.
pub(super) fn request(
    parts: &Parts,
    purpose: Purpose,
    credentials: &[Passkey],
    now: Timestamp,
) -> PasskeyRequest {
    PasskeyRequest {
        challenge: challenge(parts, purpose, now),
        party: parts.config.base_url.host().to_owned(),
        credentials: credentials.iter().map(|passkey| text(&passkey.credential)).collect(),
        verify_owner: matches!(purpose, Purpose::SignIn),
    }
}

pub(super) fn challenge(parts: &Parts, purpose: Purpose, now: Timestamp) -> String {
    let expires = now.after(CHALLENGE_LIFETIME).as_milliseconds().to_be_bytes();
    text(parts.keyring.seal(&context(purpose), &expires, &*parts.random).as_bytes())
}

/// The challenge, if this server made it for this purpose and its time has not passed.
pub(super) fn answered(parts: &Parts, purpose: Purpose, challenge: &[u8], now: Timestamp) -> Option<Once> {
    let opened = parts.keyring.open(&context(purpose), &Sealed::from_bytes(challenge)).ok()?;
    let expires = Timestamp::from_milliseconds(i64::from_be_bytes(opened.expose().try_into().ok()?));
    (now < expires).then(|| Once { hash: hash_of("passkey challenge", challenge), expires })
}

fn context(purpose: Purpose) -> Context {
    let row = match purpose {
        Purpose::SignIn => "sign in".to_owned(),
        Purpose::SecondStep(user) => format!("second step\n{user}"),
        Purpose::Act(session) => format!("act\n{session}"),
        Purpose::Register(session) => format!("register\n{session}"),
    };
    Context::new("passkey challenge", row, "expires")
}

pub(super) fn bytes(text: &str) -> Option<Vec<u8>> {
    BASE64URL_NOPAD.decode(text.as_bytes()).ok()
}

pub(super) fn text(bytes: &[u8]) -> String {
    BASE64URL_NOPAD.encode(bytes)
}
