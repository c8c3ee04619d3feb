use crate::frame;

/// What a signature is for. A signature for one purpose is none for another. The texts are part of what
/// is signed: never edit one, add another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Label {
    /// The server's half of the handshake.
    ServerChallenge,
    /// The agent's half of the handshake.
    AgentProof,
    /// An agent that enrols or announces itself owns its key.
    Enrolment,
    /// The server answers an enrolment: this agent now belongs to it.
    EnrolmentAnswer,
    /// The audit log up to one entry.
    AuditCheckpoint,
    /// A build that agents may install.
    Release,
}

impl Label {
    const fn text(self) -> &'static [u8] {
        match self {
            Self::ServerChallenge => b"restic-manager v1 server challenge",
            Self::AgentProof => b"restic-manager v1 agent proof",
            Self::Enrolment => b"restic-manager v1 enrolment",
            Self::EnrolmentAnswer => b"restic-manager v1 enrolment answer",
            Self::AuditCheckpoint => b"restic-manager v1 audit checkpoint",
            Self::Release => b"restic-manager v1 release",
        }
    }

    /// What is really signed.
    pub(super) fn bind(self, message: &[u8]) -> Vec<u8> {
        frame::join(&[self.text(), message])
    }
}
