//! Install scripts, and the one line that runs them. The token goes through pipes and environments, never into a URL
//! or an argument: those are seen by proxies and by every user of the machine.

use bytes::Bytes;
use restic_manager_proto::api::Nothing;

use crate::{
    call::{Cx, Download, Payload, Reply, Request, plain},
    failure::Failure,
    parts::Parts,
};

const SHELL_SCRIPT: &str = "text/x-shellscript; charset=utf-8";
const LINUX: &str = include_str!("agent.sh");

/// How a host becomes one.
pub(in crate::app) enum Way<'a> {
    /// By this one-time token.
    Token(&'a str),
    /// It announces itself, and an admin accepts it.
    Announce,
}

/// What a script is told. Each value is made by the server, of letters that no shell takes for its own.
pub(in crate::app) struct Invitation<'a> {
    server: String,
    fingerprint: String,
    way: Way<'a>,
}

impl<'a> Invitation<'a> {
    pub(in crate::app) fn new(parts: &Parts, way: Way<'a>) -> Self {
        Self {
            server: parts.config.base_url.to_string(),
            fingerprint: parts.identity.public_key().fingerprint().to_string(),
            way,
        }
    }

    /// One line for a Linux shell. `printf` is the shell's own, so the token is in no process list.
    pub(in crate::app) fn linux_command(&self) -> String {
        let Self { server, fingerprint, .. } = self;
        let (name, value) = self.variable();
        format!(
            "{{ printf \"RM_SERVER='%s' RM_SERVER_FINGERPRINT='%s' {name}='%s'\\n\" \
             '{server}' '{fingerprint}' '{value}'; curl -fsSL '{server}/install/agent.sh'; }} | sudo sh"
        )
    }

    /// The whole script with its variables set.
    fn baked(&self) -> String {
        let Self { server, fingerprint, .. } = self;
        let (name, value) = self.variable();
        format!(
            "#!/bin/sh\n# Holds a one-time token: delete this file when the host is enrolled.\n\
             RM_SERVER='{server}'\nRM_SERVER_FINGERPRINT='{fingerprint}'\n{name}='{value}'\n\n{LINUX}"
        )
    }

    const fn variable(&self) -> (&'static str, &str) {
        match self.way {
            Way::Token(token) => ("RM_ENROL_TOKEN", token),
            Way::Announce => ("RM_ANNOUNCE", "yes"),
        }
    }
}

/// The script of one invitation, as a file.
pub(in crate::app) fn script(invitation: &Invitation<'_>, host: &str) -> Download {
    Download {
        content_type: SHELL_SCRIPT,
        file_name: Some(format!("install-{host}.sh")),
        payload: Payload::Bytes(invitation.baked().into()),
    }
}

pub(crate) async fn linux(_: Cx, _: Request<plain::LinuxInstaller>) -> Result<Reply<Nothing>, Failure> {
    let payload = Payload::Bytes(Bytes::from_static(LINUX.as_bytes()));
    Ok(Reply::download(Download { content_type: SHELL_SCRIPT, file_name: None, payload }))
}
