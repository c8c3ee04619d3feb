//! Users for rest-servers: a password, and the line by which the server knows it.

use restic_manager_crypto::{HtpasswdError, SecretString};
use restic_manager_proto::{
    SecretText,
    api::repositories::{MakeLogin, RestLogin},
};

use super::repositories::generate_password;
use crate::{
    call::{Cx, Request},
    failure::Failure,
};

pub(crate) async fn create(cx: Cx, request: Request<MakeLogin>) -> Result<RestLogin, Failure> {
    let body = request.body;
    let password = body.password.unwrap_or_else(|| generate_password(cx.parts()));
    let secret = SecretString::from(password.expose().to_owned());
    let line = cx.parts().passwords.htpasswd_line(body.username.clone(), secret).await?;
    let htpasswd = line.map_err(|error| {
        let field = if error == HtpasswdError::Password { "password" } else { "username" };
        Failure::field(field, error.to_string())
    })?;
    Ok(RestLogin { username: body.username, password: SecretText::new(password.expose()), htpasswd })
}
