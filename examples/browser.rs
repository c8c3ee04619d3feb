//! What the examples share: a browser small enough to read, so that each can ask itself and then end.

use http::{HeaderMap, HeaderValue, Method, Request, Response, header};
use http_body_util::{BodyExt as _, Full};
use restic_manager_server::{Body, BoxError};
use serde_json::{Value, json};
use tower::{Service, ServiceExt as _};

/// Asks a service in this process and keeps the session of who signed in.
#[derive(Debug)]
pub struct Browser<S> {
    service: S,
    session: HeaderMap,
}

impl<S> Browser<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error: Into<BoxError>> + Clone,
{
    /// Opens a service, signed out.
    pub fn open(service: S) -> Self {
        Self { service, session: HeaderMap::new() }
    }

    /// Makes the first admin and signs in; gives what the API says of the session.
    pub async fn sign_up(&mut self, bootstrap_token: &str) -> Result<Value, BoxError> {
        let (name, password) = ("ada", "violet teapots argue");
        let admin = json!({ "token": bootstrap_token, "name": name, "password": password });
        self.post("/api/v1/bootstrap", admin).await?;
        self.post("/api/v1/session", json!({ "name": name, "password": password })).await
    }

    /// Reads a page.
    pub async fn get(&mut self, path: &str) -> Result<String, BoxError> {
        self.send(Method::GET, path, String::new()).await
    }

    /// Sends JSON, and expects JSON or nothing.
    pub async fn post(&mut self, path: &str, body: Value) -> Result<Value, BoxError> {
        let answer = self.send(Method::POST, path, body.to_string()).await?;
        let answer: Value = if answer.is_empty() { Value::Null } else { serde_json::from_str(&answer)? };
        if let Some(token) = answer["csrf_token"].as_str() {
            self.session.insert("x-csrf-token", HeaderValue::from_str(token)?);
        }
        Ok(answer)
    }

    async fn send(&mut self, method: Method, path: &str, body: String) -> Result<String, BoxError> {
        let body: Body = Full::from(body).map_err(|never| match never {}).boxed_unsync();
        let mut request = Request::builder().method(method).uri(path).body(body)?;
        *request.headers_mut() = self.session.clone();
        request.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let response = self.service.clone().oneshot(request).await.map_err(Into::into)?;
        if let Some(cookie) = response.headers().get(header::SET_COOKIE) {
            let pair = cookie.to_str()?.split(';').next().unwrap_or_default();
            self.session.insert(header::COOKIE, HeaderValue::from_str(pair)?);
        }
        let (status, body) = (response.status(), response.into_body().collect().await?.to_bytes());
        let text = String::from_utf8(body.to_vec())?;
        if status.is_success() { Ok(text) } else { Err(format!("{path}: {status}: {text}").into()) }
    }
}
