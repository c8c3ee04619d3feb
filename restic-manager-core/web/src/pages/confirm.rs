//! "Confirm that it is you": stands between a dangerous form and what it asks for.
//!
//! The page is the answer to the form itself and posts to the same address, with the form in it, sealed. Once the
//! proof is accepted, the form goes on as if nothing had happened: whatever it asks for, and without script.

use http::{Response, StatusCode};
use restic_manager_proto::{
    SecretText, UserId,
    api::{
        Code, Nothing, Problem,
        session::{self, Proof},
    },
};
use serde::Serialize;

use super::{
    context::Cx,
    problem::explain,
    respond::{Answer, html_with, redirect},
};
use crate::{
    api::Failure,
    body::Body,
    forms::Form,
    render::Template,
    view::{Banner, Section, Tone},
};

/// What there is to go on with.
pub(crate) enum Resumed {
    /// The form to act on.
    Form(Form),
    /// A page to show instead.
    Page(Response<Body>),
}

#[derive(Serialize)]
struct ConfirmPage {
    action: String,
    cancel: String,
    kept: Option<String>,
    password: bool,
    code: bool,
    /// Whether a passkey will do.
    passkey: bool,
}

impl Template for ConfirmPage {
    const FILE: &'static str = "pages/confirm.html";
}

/// Asks for a proof, with the form kept for afterwards.
pub(crate) async fn page(cx: &Cx, form: &Form, problem: Option<&Problem>) -> Answer {
    let caller = cx.caller().await?;
    let kept = cx.kept.seal(caller.session.user, &cx.path, form, cx.now);
    ask(cx, kept, problem).await
}

async fn ask(cx: &Cx, kept: Option<String>, problem: Option<&Problem>) -> Answer {
    let (caller, proofs) =
        tokio::try_join!(cx.caller(), cx.api.get::<session::ShowProofs>(Nothing {}, Nothing {}))?;
    let lost = kept.is_none();
    let page = ConfirmPage {
        action: cx.path.clone(),
        cancel: cx.path.clone(),
        kept,
        password: proofs.password,
        code: proofs.code,
        passkey: proofs.passkey.is_some(),
    };
    let notice = problem.map(refusal).or_else(|| lost.then(too_long));
    let frame = caller.frame(cx, "Confirm that it is you", Section::None);
    html_with(StatusCode::FORBIDDEN, &frame.notice(notice), &page)
}

fn refusal(problem: &Problem) -> Banner {
    match problem.code {
        Code::BadCredentials => Banner {
            tone: Tone::Bad,
            icon: "circle-x",
            title: "That did not match".to_owned(),
            detail: Some("Nothing was changed. Try again.".to_owned()),
            proof: None,
            action: None,
        },
        _ => explain(problem),
    }
}

fn too_long() -> Banner {
    Banner {
        tone: Tone::Warn,
        icon: "triangle-alert",
        title: "What you sent could not be kept".to_owned(),
        detail: Some("Confirm, go back to the page, and send it once more.".to_owned()),
        proof: None,
        action: None,
    }
}

/// Takes a form as it is, or the one that waited: for a proof by the page above, or for a server that had failed.
pub(crate) async fn resume(cx: &Cx, form: Form) -> Result<Resumed, Failure> {
    if let Some(kept) = form.given("again") {
        let session = cx.api.get::<session::Show>(Nothing {}, Nothing {}).await?;
        return Ok(reopened(cx, session.user, kept, "not-kept"));
    }
    let Some(proof) = posted_proof(&form) else { return Ok(Resumed::Form(form)) };
    let kept = form.text("kept");
    match cx.api.clone().send::<session::Prove>(Nothing {}, proof).await {
        Ok(session) => Ok(reopened(cx, session.user, kept, "confirmed")),
        Err(Failure::Refused(problem)) if problem.code != Code::Unauthenticated => {
            let kept = Some(kept.to_owned()).filter(|kept| !kept.is_empty());
            Ok(Resumed::Page(ask(cx, kept, Some(&problem)).await?))
        }
        Err(failure) => Err(failure),
    }
}

/// The form that waited, or back to its page with a word why it is gone.
fn reopened(cx: &Cx, user: UserId, kept: &str, gone: &str) -> Resumed {
    match cx.kept.open(user, &cx.path, kept, cx.now) {
        Some(form) => Resumed::Form(form),
        None => Resumed::Page(redirect(&format!("{}?done={gone}", cx.path))),
    }
}

/// The names are this page's own: no other form has them.
fn posted_proof(form: &Form) -> Option<Proof> {
    match form.text("proof") {
        "password" => Some(Proof::Password { password: SecretText::new(form.raw("proof_password")) }),
        "code" => Some(Proof::Code { code: SecretText::new(form.text("proof_code")) }),
        // What no browser wrote is a wrong proof, not a form of another kind.
        "passkey" => Some(match serde_json::from_str(form.text("passkey")) {
            Ok(answer) => Proof::Passkey { answer },
            Err(_) => Proof::Code { code: SecretText::new("") },
        }),
        _ => None,
    }
}
