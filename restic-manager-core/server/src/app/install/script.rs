//! Install scripts, and the one line that runs them. The token goes through pipes and environments, never into a URL
//! or an argument: those are seen by proxies and by every user of the machine.

use bytes::Bytes;
use restic_manager_proto::{api::Nothing, vocabulary::Platform};

use crate::{
    call::{Cx, Download, Payload, Reply, Request, plain},
    failure::Failure,
    parts::Parts,
};

const LINUX: &str = include_str!("agent.sh");
const WINDOWS: &str = include_str!("agent.ps1");

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

    /// One line for an elevated PowerShell.
    pub(in crate::app) fn windows_command(&self) -> String {
        let Self { server, fingerprint, .. } = self;
        let (name, value) = self.variable();
        format!(
            "$env:RM_SERVER='{server}'; $env:RM_SERVER_FINGERPRINT='{fingerprint}'; $env:{name}='{value}'; \
             irm '{server}/install/agent.ps1' | iex"
        )
    }

    /// The whole script with its variables set.
    fn baked(&self, platform: Platform) -> String {
        let Self { server, fingerprint, .. } = self;
        let (name, value) = self.variable();
        match platform {
            Platform::Windows => format!(
                "# Holds a one-time token: delete this file when the host is enrolled.\n\
                 $env:RM_SERVER='{server}'\n$env:RM_SERVER_FINGERPRINT='{fingerprint}'\n$env:{name}='{value}'\n\n{WINDOWS}"
            ),
            _ => format!(
                "#!/bin/sh\n# Holds a one-time token: delete this file when the host is enrolled.\n\
                 RM_SERVER='{server}'\nRM_SERVER_FINGERPRINT='{fingerprint}'\n{name}='{value}'\n\n{LINUX}"
            ),
        }
    }

    const fn variable(&self) -> (&'static str, &str) {
        match self.way {
            Way::Token(token) => ("RM_ENROL_TOKEN", token),
            Way::Announce => ("RM_ANNOUNCE", "yes"),
        }
    }
}

/// The script of one invitation, as a file.
pub(in crate::app) fn script(invitation: &Invitation<'_>, platform: Platform, host: &str) -> Download {
    let (extension, content_type) = match platform {
        Platform::Windows => ("ps1", "text/plain; charset=utf-8"),
        _ => ("sh", "text/x-shellscript; charset=utf-8"),
    };
    Download {
        content_type,
        file_name: Some(format!("install-{host}.{extension}")),
        payload: Payload::Bytes(invitation.baked(platform).into()),
    }
}

pub(crate) async fn linux(_: Cx, _: Request<plain::LinuxInstaller>) -> Result<Reply<Nothing>, Failure> {
    Ok(fixed("text/x-shellscript; charset=utf-8", LINUX))
}

pub(crate) async fn windows(_: Cx, _: Request<plain::WindowsInstaller>) -> Result<Reply<Nothing>, Failure> {
    Ok(fixed("text/plain; charset=utf-8", WINDOWS))
}

fn fixed(content_type: &'static str, text: &'static str) -> Reply<Nothing> {
    let payload = Payload::Bytes(Bytes::from_static(text.as_bytes()));
    Reply::download(Download { content_type, file_name: None, payload })
}
