//! The restic-manager web UI: pages rendered on the server over the public API.
//!
//! [`web`] wraps an API service. Requests for pages are answered here, by calling that API as the
//! browser's user; all else passes through untouched, WebSocket upgrades included. The UI can
//! therefore do nothing that the API forbids, and authorisation exists once.
//!
//! ```
//! use bytes::Bytes;
//! use http::{Request, Response};
//! use http_body_util::{BodyExt, Full};
//! use restic_manager_web::{Body, web};
//!
//! let api = tower::service_fn(|_request: Request<Body>| async {
//!     let body: Body = Full::new(Bytes::from("{}")).map_err(|never| match never {}).boxed_unsync();
//!     Ok::<_, std::convert::Infallible>(Response::new(body))
//! });
//! let pages = web(api);
//! ```

mod api;
mod assets;
mod body;
mod forms;
mod headers;
mod kept;
mod length;
mod lines;
mod origin;
mod pages;
mod qr;
#[cfg(feature = "remote")]
pub mod remote;
mod render;
mod service;
mod text;
mod view;

pub use body::{Body, BodyError, BoxError};
pub use pages::gallery;
pub use service::{Web, web};
