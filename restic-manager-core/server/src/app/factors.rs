//! The caller's second factors, and an admin's way to remove somebody's.

use core::time::Duration;
use restic_manager_crypto::{
    Context, PasskeyKey, RecoveryCode, RelyingParty, Sealed, TotpSecret, register_passkey,
};
use restic_manager_proto::{
    SecretText, Timestamp, UserId,
    api::{
        Nothing,
        factors::{
            self as api, AddPasskey, FactorAdded, OfferPasskey, OfferTotp, PasskeyOffer, RemovePasskey,
            RemoveTotp, RenewRecoveryCodes, Reset, SetTotp, Show, TotpOffer, TotpStatus,
        },
    },
    vocabulary::{Action, AlertKind, Role},
};
use restic_manager_store::{
    SealedBlob, Transaction,
    alerts::AlertSubject,
    factors::{Passkey, Totp},
};

use super::{
    check::{self, Fields},
    evidence::{self, Purpose, bytes, text},
    value::stored_hash,
};
use crate::{
    call::{Cx, Request},
    config::SecondFactor,
    domain::alerts,
    entry::subject,
    failure::Failure,
    parts::{Change, Follow, Parts},
};

const RECOVERY_CODES: usize = 10;
const MOST_PASSKEYS: usize = 20;
/// How long the offer of a secret can be taken.
const OFFER_LIFETIME: Duration = Duration::from_secs(10 * 60);

pub(crate) async fn show(cx: Cx, _: Request<Show>) -> Result<api::Factors, Failure> {
    let caller = cx.user()?;
    let mut read = cx.read().await?;
    let totp = read.factors().totp(caller.id).await?;
    let passkeys = read.factors().passkeys(caller.id).await?;
    Ok(api::Factors {
        totp: totp.map(|totp| TotpStatus { since: totp.created, last_used_at: totp.last_used }),
        recovery_codes_left: read.factors().recovery_codes_left(caller.id).await?,
        passkeys: passkeys
            .into_iter()
            .map(|passkey| api::Passkey {
                id: passkey.id,
                name: passkey.name,
                created_at: passkey.created,
                last_used_at: passkey.last_used,
            })
            .collect(),
        no_passkeys_because: no_passkeys(cx.parts()),
        required: caller.granted == Role::Admin
            && cx.parts().config.second_factor == SecondFactor::RequiredForAdmins,
    })
}

/// Browsers make passkeys for names alone, and only where the connection is safe.
fn no_passkeys(parts: &Parts) -> Option<String> {
    let base_url = &parts.config.base_url;
    let local = base_url.host() == "localhost";
    let named = base_url.host().parse::<core::net::IpAddr>().is_err() && !base_url.host().starts_with('[');
    let possible = named && (base_url.is_https() || local);
    (!possible).then(|| format!("passkeys need HTTPS and a name, and this server is reached at {base_url}"))
}

pub(crate) async fn offer_totp(cx: Cx, _: Request<OfferTotp>) -> Result<TotpOffer, Failure> {
    let (parts, caller) = (cx.parts(), cx.user()?);
    let secret = TotpSecret::mint(&*parts.random);
    let mut words = cx.now().after(OFFER_LIFETIME).as_milliseconds().to_be_bytes().to_vec();
    words.extend(secret.expose());
    let offer = parts.keyring.seal(&offer_context(caller.id), &words, &*parts.random);
    let issuer = format!("restic-manager {}", parts.config.base_url.host());
    Ok(TotpOffer {
        secret: SecretText::new(secret.text().expose()),
        uri: SecretText::new(secret.uri(&issuer, &caller.name).expose()),
        offer: SecretText::new(text(offer.as_bytes())),
    })
}

fn offer_context(user: UserId) -> Context {
    Context::new("user", user.as_bytes(), "offered totp secret")
}

fn taken(cx: &Cx, user: UserId, offer: &str) -> Option<TotpSecret> {
    let sealed = Sealed::from_bytes(bytes(offer)?);
    let words = cx.parts().keyring.open(&offer_context(user), &sealed).ok()?;
    let (expires, secret) = words.expose().split_first_chunk()?;
    let expires = Timestamp::from_milliseconds(i64::from_be_bytes(*expires));
    TotpSecret::from_bytes(secret.to_vec().into()).filter(|_| cx.now() < expires)
}

pub(crate) async fn set_totp(cx: Cx, request: Request<SetTotp>) -> Result<FactorAdded, Failure> {
    let (parts, caller) = (cx.parts(), cx.user()?);
    let Some(secret) = taken(&cx, caller.id, request.body.offer.expose().trim()) else {
        return Err(Failure::field("offer", "too old, or not an offer to this account; ask for a new one"));
    };
    let code: String = request.body.code.expose().chars().filter(|letter| !letter.is_whitespace()).collect();
    let Some(step) = secret.step_of(&code, evidence::seconds(cx.now()), None) else {
        let message = "not the code of this secret now; check that the clock of the device is right";
        return Err(Failure::field("code", message));
    };
    let context = Context::totp_secret(caller.id.as_bytes());
    let sealed = parts.keyring.seal(&context, secret.expose(), &*parts.random);
    let totp = Totp {
        user: caller.id,
        secret: SealedBlob::new(sealed.into_bytes()),
        created: cx.now(),
        last_step: step,
        last_used: None,
    };
    let mut change = cx.begin().await?;
    let first = !change.factors().has_second(caller.id).await?;
    change.factors().set_totp(&totp).await?;
    added(&cx, change, first, "authenticator app").await
}

pub(crate) async fn remove_totp(cx: Cx, _: Request<RemoveTotp>) -> Result<Nothing, Failure> {
    let caller = cx.user()?;
    let mut change = cx.begin().await?;
    if !change.factors().remove_totp(caller.id).await? {
        return Err(Failure::not_found("authenticator app"));
    }
    removed(&cx, change, "authenticator app").await
}

pub(crate) async fn renew_recovery_codes(
    cx: Cx,
    _: Request<RenewRecoveryCodes>,
) -> Result<FactorAdded, Failure> {
    let caller = cx.user()?;
    let mut change = cx.begin().await?;
    if !change.factors().has_second(caller.id).await? {
        return Err(Failure::conflict(
            "recovery codes stand in for a second factor, and there is none",
            "set up an authenticator app or a passkey first",
        ));
    }
    let recovery_codes = make_codes(&cx, change.as_mut(), caller.id).await?;
    let detail = serde_json::json!({ "factor": "recovery codes" });
    let subject = subject("user", caller.id, caller.name.clone());
    change.commit(cx.audit_with(Action::FactorAdd, subject, detail)).await?;
    Ok(FactorAdded { recovery_codes })
}

pub(crate) async fn offer_passkey(cx: Cx, _: Request<OfferPasskey>) -> Result<PasskeyOffer, Failure> {
    let (parts, caller) = (cx.parts(), cx.user()?);
    let session = cx.session()?.family;
    let known = cx.read().await?.factors().passkeys(caller.id).await?;
    Ok(PasskeyOffer {
        challenge: evidence::challenge(parts, Purpose::Register(session), cx.now()),
        party: parts.config.base_url.host().to_owned(),
        user: text(caller.id.as_bytes()),
        name: caller.name.clone(),
        algorithms: PasskeyKey::ALGORITHMS.to_vec(),
        known: known.iter().map(|passkey| text(&passkey.credential)).collect(),
    })
}

pub(crate) async fn add_passkey(cx: Cx, request: Request<AddPasskey>) -> Result<FactorAdded, Failure> {
    let (parts, caller, body) = (cx.parts(), cx.user()?, request.body);
    let mut fields = Fields::default();
    let name = body.name.trim().to_owned();
    fields.check("name", check::label(&name));
    fields.finish()?;
    let decoded = (bytes(&body.challenge), bytes(&body.client_data), bytes(&body.authenticator_data));
    let (Some(challenge), Some(client_data), Some(authenticator_data)) = decoded else {
        return Err(not_accepted("a part of it is not base64url"));
    };
    let purpose = Purpose::Register(cx.session()?.family);
    let Some(once) = evidence::answered(parts, purpose, &challenge, cx.now()) else {
        return Err(not_accepted("it answers an old challenge"));
    };
    let origin = parts.config.base_url.to_string();
    let party = RelyingParty::new(parts.config.base_url.host(), &origin);
    let new = register_passkey(party, &challenge, &client_data, &authenticator_data)
        .map_err(|error| not_accepted(&error.to_string()))?;
    let passkey = Passkey {
        id: parts.mint.passkey(),
        user: caller.id,
        name: name.clone(),
        credential: new.credential,
        key: new.key.as_cose().to_vec(),
        counter: new.counter,
        created: cx.now(),
        last_used: None,
    };
    let mut change = cx.begin().await?;
    if change.factors().passkeys(caller.id).await?.len() >= MOST_PASSKEYS {
        let detail = format!("there are {MOST_PASSKEYS} passkeys already");
        return Err(Failure::conflict(detail, "remove one that is not used any more"));
    }
    let first = !change.factors().has_second(caller.id).await?;
    change.factors().add_passkey(&passkey).await?;
    if !once.spend(change.as_mut(), cx.now()).await? {
        return Err(not_accepted("its challenge was answered before"));
    }
    added(&cx, change, first, &format!("passkey {name}")).await
}

fn not_accepted(why: &str) -> Failure {
    Failure::field("authenticator_data", format!("the passkey was not accepted: {why}; make it once more"))
}

pub(crate) async fn remove_passkey(cx: Cx, request: Request<RemovePasskey>) -> Result<Nothing, Failure> {
    let (caller, id) = (cx.user()?, request.path.passkey);
    let mut change = cx.begin().await?;
    let own = change.factors().passkeys(caller.id).await?;
    let name = own.into_iter().find(|passkey| passkey.id == id).map(|passkey| passkey.name);
    if !change.factors().remove_passkey(caller.id, id).await? {
        return Err(Failure::not_found("passkey"));
    }
    removed(&cx, change, &format!("passkey {}", name.unwrap_or_default())).await
}

pub(crate) async fn reset(cx: Cx, request: Request<Reset>) -> Result<Nothing, Failure> {
    let id = request.path.user;
    let mut change = cx.begin().await?;
    let user = change.users().find(id).await?.ok_or_else(|| Failure::not_found("user"))?;
    if !change.factors().clear(id).await? {
        return Err(Failure::conflict(
            format!("{} has no second factor", user.name),
            "they sign in with the password alone",
        ));
    }
    change.sessions().end_all_of(id, None).await?;
    change.then(Follow::SessionsEnded);
    let summary = format!("{} reset the factors of {}.", cx.user()?.name, user.name);
    told_removal(&cx, &mut change, id, &user.name, summary).await?;
    change.commit(cx.audit(Action::FactorReset, subject("user", id, user.name))).await?;
    Ok(Nothing {})
}

/// Finishes the adding of a factor. The first one brings recovery codes along; other sessions have not shown it and end.
async fn added(cx: &Cx, mut change: Change<'_>, first: bool, factor: &str) -> Result<FactorAdded, Failure> {
    let caller = cx.user()?;
    let mut recovery_codes = Vec::new();
    if first {
        recovery_codes = make_codes(cx, change.as_mut(), caller.id).await?;
        change.sessions().end_all_of(caller.id, Some(cx.session()?.family)).await?;
    }
    let detail = serde_json::json!({ "factor": factor });
    let subject = subject("user", caller.id, caller.name.clone());
    change.then(Follow::SessionsEnded);
    change.commit(cx.audit_with(Action::FactorAdd, subject, detail)).await?;
    Ok(FactorAdded { recovery_codes })
}

/// Finishes the removal of a factor. With the last one the recovery codes go, too.
async fn removed(cx: &Cx, mut change: Change<'_>, factor: &str) -> Result<Nothing, Failure> {
    let caller = cx.user()?;
    if !change.factors().has_second(caller.id).await? {
        change.factors().clear(caller.id).await?;
    }
    let summary = format!("{} removed their {factor}.", caller.name);
    told_removal(cx, &mut change, caller.id, &caller.name, summary).await?;
    let detail = serde_json::json!({ "factor": factor });
    let subject = subject("user", caller.id, caller.name.clone());
    change.commit(cx.audit_with(Action::FactorRemove, subject, detail)).await?;
    Ok(Nothing {})
}

async fn told_removal(
    cx: &Cx,
    change: &mut Change<'_>,
    user: UserId,
    name: &str,
    summary: String,
) -> Result<(), Failure> {
    let (kind, about) = (AlertKind::FactorRemoved, AlertSubject::new("user", user));
    let finding = alerts::found(cx.parts(), kind, about, name, summary, serde_json::Value::Null);
    alerts::raise(change, &finding).await?;
    Ok(())
}

async fn make_codes(
    cx: &Cx,
    transaction: &mut dyn Transaction,
    user: UserId,
) -> Result<Vec<SecretText>, Failure> {
    let codes: Vec<RecoveryCode> =
        (0..RECOVERY_CODES).map(|_| RecoveryCode::mint(&*cx.parts().random)).collect();
    let hashes: Vec<_> = codes.iter().map(|code| stored_hash(&code.hash(user.as_bytes()))).collect();
    transaction.factors().replace_recovery_codes(user, &hashes).await?;
    Ok(codes.iter().map(|code| SecretText::new(code.expose())).collect())
}
