//! Serves every page over a small API in memory, to look at: `cargo run -p restic-manager-web --example preview [ADDRESS]`.
//!
//! Sign in with any name and password. `PREVIEW=hostile`, `empty`, `viewer`, `bootstrap` or `enrolled` shows other data.

#[path = "../tests/fake/mod.rs"]
#[expect(dead_code, reason = "shared with the tests, which use more of it")]
#[expect(clippy::panic, clippy::unwrap_used, reason = "written for tests")]
mod fake;

use fake::Fake;
use hyper_util::{rt::TokioIo, service::TowerToHyperService};
use restic_manager_proto::vocabulary::Role;
use restic_manager_web::{BoxError, web};

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:8090".to_owned());
    let fake = match std::env::var("PREVIEW").as_deref() {
        Ok("hostile") => Fake::hostile(),
        Ok("empty") => Fake { empty: true, ..Fake::default() },
        Ok("viewer") => Fake { role: Role::Viewer, ..Fake::default() },
        Ok("bootstrap") => Fake { bootstrap_needed: true, ..Fake::default() },
        Ok("enrolled") => Fake { enrolled: true, ..Fake::default() },
        _ => Fake::default(),
    };
    let pages = web(Fake { plain_http: true, ..fake }).with_clock(fake::now);
    let listener = tokio::net::TcpListener::bind(&address).await?;
    loop {
        let (socket, _) = listener.accept().await?;
        tokio::spawn(
            hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(socket), TowerToHyperService::new(pages.clone())),
        );
    }
}
