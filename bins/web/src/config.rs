//! The settings of the pages as a process of their own.

use std::net::SocketAddr;

use restic_manager_web::remote::{Api, Forwarding};

use crate::settings::{Kind, Refusal, Setting, Settings};

const fn plain(
    key: &'static str,
    variable: &'static str,
    default: &'static str,
    help: &'static str,
) -> Setting {
    Setting { key, variable, default, kind: Kind::Plain, help }
}

/// All settings of this program: parser, help and reference page come from here.
pub(crate) const TABLE: &[Setting] = &[
    plain("listen", "RM_LISTEN", "127.0.0.1:8081", "Address and port for HTTP; a proxy in front brings TLS"),
    plain(
        "server",
        "RM_SERVER",
        "",
        "The server whose pages these are, such as https://backup-api.internal:8443",
    ),
    plain(
        "forwarding",
        "RM_FORWARDING",
        "nothing",
        "What the server is told of the browser's address: nothing, connection, or as-received behind a proxy that sets it",
    ),
    plain("log", "RM_LOG", "info", "Filter of the log, such as info,restic_manager_web=debug"),
    plain("log_format", "RM_LOG_FORMAT", "text", "text or json"),
];

/// Variables of the installers; harmless here.
pub(crate) const FOREIGN: &[&str] = &["RM_ENROL_TOKEN", "RM_SERVER_FINGERPRINT"];

/// What the pages are served with.
pub(crate) struct Config {
    pub(crate) listen: SocketAddr,
    pub(crate) api: Api,
    pub(crate) log: String,
    pub(crate) log_format: String,
}

impl Config {
    pub(crate) fn read(settings: &Settings) -> Result<Self, Refusal> {
        let server: String = settings.require("server")?;
        let forwarding = match settings.text("forwarding") {
            None | Some("nothing") => Forwarding::Nothing,
            Some("connection") => Forwarding::Connection,
            Some("as-received") => Forwarding::AsReceived,
            Some(other) => {
                return Err(Refusal(format!(
                    "forwarding: {other:?} is none of nothing, connection, as-received"
                )));
            }
        };
        Ok(Self {
            listen: settings.require("listen")?,
            api: Api::new(&server, forwarding).map_err(|error| Refusal(format!("server: {error}")))?,
            log: settings.require("log")?,
            log_format: settings.require("log_format")?,
        })
    }
}
