//! One's second factors: the authenticator app, recovery codes, passkeys.

use restic_manager_proto::{
    SecretText,
    api::{
        Code, Nothing, Problem,
        factors::{self, ByPasskey, FactorAdded, Factors, NewPasskey, TotpConfirmation},
    },
};
use serde::{Deserialize, Serialize};

use super::{
    context::{Cx, TWO_FACTOR},
    form_state::FormState,
    problem::{refusal_of, refused},
    respond::{Answer, html, html_with, redirect},
    settings::{SettingsTab, tabs},
};
use crate::{
    qr::Qr,
    render::Template,
    view::{Moment, Section, Tab},
};

const HERE: &str = TWO_FACTOR;
/// Fewer codes than this are worth a word.
const FEW_CODES: u64 = 4;

#[derive(Serialize)]
struct FactorsPage<'a> {
    tabs: Vec<Tab>,
    any: bool,
    app: Option<App>,
    codes_left: u64,
    few_codes: bool,
    passkeys: Vec<Row>,
    no_passkeys: Option<String>,
    form: FormState<'a>,
}

#[derive(Serialize)]
struct App {
    since: Moment,
    last_used: Option<Moment>,
}

#[derive(Serialize)]
struct Row {
    name: String,
    created: Moment,
    last_used: Option<Moment>,
    remove: String,
}

impl Template for FactorsPage<'_> {
    const FILE: &'static str = "pages/factors.html";
}

pub(crate) async fn show(cx: Cx) -> Answer {
    page(&cx, None).await
}

async fn page(cx: &Cx, problem: Option<&Problem>) -> Answer {
    let (caller, own): (_, Factors) =
        tokio::try_join!(cx.caller(), cx.api.get::<factors::Show>(Nothing {}, Nothing {}))?;
    let mut form = cx.form_at(&["/settings/two-factor/passkeys"], problem);
    form.text("name", "").secret_of("passkey", "authenticator_data");
    let page = FactorsPage {
        tabs: tabs(&caller, SettingsTab::TwoFactor),
        any: own.totp.is_some() || !own.passkeys.is_empty(),
        app: own
            .totp
            .map(|app| App { since: cx.moment(app.since), last_used: cx.moment_of(app.last_used_at) }),
        codes_left: own.recovery_codes_left,
        few_codes: own.recovery_codes_left < FEW_CODES,
        passkeys: own
            .passkeys
            .into_iter()
            .map(|passkey| Row {
                name: passkey.name,
                created: cx.moment(passkey.created_at),
                last_used: cx.moment_of(passkey.last_used_at),
                remove: format!("{HERE}/passkeys/{}/remove", passkey.id),
            })
            .collect(),
        no_passkeys: own.no_passkeys_because,
        form,
    };
    let frame = caller.frame(cx, "Settings", Section::Settings);
    html_with(page.form.status(), &frame.notice(page.form.notice()), &page)
}

#[derive(Serialize)]
struct AppPage<'a> {
    tabs: Vec<Tab>,
    qr: Option<Qr>,
    secret: String,
    uri: String,
    offer: String,
    form: FormState<'a>,
}

impl Template for AppPage<'_> {
    const FILE: &'static str = "pages/factor_app.html";
}

pub(crate) async fn offer_app(cx: Cx) -> Answer {
    let offer = cx.api.get::<factors::OfferTotp>(Nothing {}, Nothing {}).await?;
    let (secret, uri) = (offer.secret.into_exposed(), offer.uri.into_exposed());
    app_page(&cx, None, secret, uri, offer.offer.into_exposed()).await
}

/// The same code again after a slip of the hand: the app has it already.
async fn app_page(cx: &Cx, problem: Option<&Problem>, secret: String, uri: String, offer: String) -> Answer {
    let caller = cx.caller().await?;
    let secret_groups: Vec<String> =
        secret.chars().collect::<Vec<_>>().chunks(4).map(|group| group.iter().collect()).collect();
    let mut form = cx.form_at(&["/settings/two-factor/app"], problem);
    form.secret("code").secret("offer");
    let page = AppPage {
        tabs: tabs(&caller, SettingsTab::TwoFactor),
        qr: Qr::new(&uri),
        secret: secret_groups.join(" "),
        uri,
        offer,
        form,
    };
    let frame = caller.frame(cx, "Set up an authenticator app", Section::Settings).crumb("Two factors", HERE);
    html_with(page.form.status(), &frame.notice(page.form.notice()), &page)
}

pub(crate) async fn set_app(cx: Cx) -> Answer {
    let body = TotpConfirmation {
        offer: SecretText::new(cx.form.text("offer")),
        code: SecretText::new(cx.form.text("code")),
    };
    match refusal_of(cx.api.send::<factors::SetTotp>(Nothing {}, body).await)? {
        Ok(added) => done(&cx, added, "app-added").await,
        Err(problem) => {
            let typed = |name: &str| cx.form.text(name).to_owned();
            let secret = typed("secret").replace(' ', "");
            app_page(&cx, Some(&problem), secret, typed("uri"), typed("offer")).await
        }
    }
}

pub(crate) async fn remove_app(cx: Cx) -> Answer {
    cx.api.send::<factors::RemoveTotp>(Nothing {}, Nothing {}).await?;
    Ok(redirect("/settings/two-factor?done=factor-removed"))
}

/// What the browser's script put into the form.
#[derive(Deserialize)]
struct Made {
    challenge: String,
    client_data: String,
    authenticator_data: String,
}

pub(crate) async fn add_passkey(cx: Cx) -> Answer {
    let Ok(made) = serde_json::from_str::<Made>(cx.form.text("passkey")) else {
        return Err(refused(Code::Malformed, "go back to the page and use its button"));
    };
    let body = NewPasskey {
        name: cx.form.given("name").unwrap_or("Passkey").to_owned(),
        challenge: made.challenge,
        client_data: made.client_data,
        authenticator_data: made.authenticator_data,
    };
    match refusal_of(cx.api.send::<factors::AddPasskey>(Nothing {}, body).await)? {
        Ok(added) => done(&cx, added, "passkey-added").await,
        Err(problem) => page(&cx, Some(&problem)).await,
    }
}

pub(crate) async fn remove_passkey(cx: Cx) -> Answer {
    let by = ByPasskey { passkey: cx.parameter("passkey")? };
    cx.api.send::<factors::RemovePasskey>(by, Nothing {}).await?;
    Ok(redirect("/settings/two-factor?done=factor-removed"))
}

pub(crate) async fn renew_codes(cx: Cx) -> Answer {
    let made = cx.api.send::<factors::RenewRecoveryCodes>(Nothing {}, Nothing {}).await?;
    done(&cx, made, "codes-renewed").await
}

#[derive(Serialize)]
struct CodesPage {
    tabs: Vec<Tab>,
    codes: Vec<String>,
    text: String,
    href: String,
}

impl Template for CodesPage {
    const FILE: &'static str = "pages/factor_codes.html";
}

/// Back to the factors, or first to the codes that are shown once.
async fn done(cx: &Cx, added: FactorAdded, toast: &str) -> Answer {
    let href = format!("{HERE}?done={toast}");
    if added.recovery_codes.is_empty() {
        return Ok(redirect(&href));
    }
    let caller = cx.caller().await?;
    let codes: Vec<String> = added.recovery_codes.into_iter().map(SecretText::into_exposed).collect();
    let page = CodesPage { tabs: tabs(&caller, SettingsTab::TwoFactor), text: codes.join("\n"), codes, href };
    html(&caller.frame(cx, "Keep your recovery codes", Section::Settings).crumb("Two factors", HERE), &page)
}
