//! What the agent tells of its host.

use restic_manager_proto::{HostFacts, Timestamp};

/// The version that an agent of this build says it has.
pub(crate) const AGENT_VERSION: &str = env!("CARGO_PKG_VERSION");
/// Longest text that is believed.
const MAX_BYTES: usize = 256;

/// What can be seen of this host; `restic_version` is the caller's to know.
#[must_use]
pub fn collect(restic_version: Option<String>) -> HostFacts {
    let mut facts = HostFacts::default();
    facts.hostname = hostname();
    std::env::consts::OS.clone_into(&mut facts.operating_system);
    facts.os_version = os_version();
    std::env::consts::ARCH.clone_into(&mut facts.architecture);
    AGENT_VERSION.clone_into(&mut facts.agent_version);
    facts.restic_version = restic_version;
    facts.time_zone = time_zone();
    facts
}

/// The name the machine gives itself.
#[cfg(unix)]
pub(crate) fn hostname() -> String {
    let name = rustix::system::uname();
    bounded(&name.nodename().to_string_lossy())
}

/// The name the machine gives itself.
#[cfg(not(unix))]
pub(crate) fn hostname() -> String {
    bounded(&std::env::var("COMPUTERNAME").unwrap_or_default())
}

/// When the machine was started, where it tells.
pub(crate) fn booted() -> Option<Timestamp> {
    boot_time(&std::fs::read_to_string("/proc/stat").ok()?)
}

fn boot_time(stat: &str) -> Option<Timestamp> {
    let seconds: i64 = stat.lines().find_map(|line| line.strip_prefix("btime "))?.trim().parse().ok()?;
    Some(Timestamp::from_milliseconds(seconds.checked_mul(1000)?))
}

fn os_version() -> String {
    ["/etc/os-release", "/usr/lib/os-release"]
        .iter()
        .find_map(|path| pretty_name(&std::fs::read_to_string(path).ok()?))
        .unwrap_or_default()
}

fn pretty_name(os_release: &str) -> Option<String> {
    let value = os_release.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="))?;
    Some(bounded(value.trim().trim_matches(['"', '\''])))
}

fn time_zone() -> Option<String> {
    iana_time_zone::get_timezone().ok().map(|zone| bounded(&zone)).filter(|zone| !zone.is_empty())
}

fn bounded(text: &str) -> String {
    text[..text.floor_char_boundary(MAX_BYTES)].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_the_system_is_read_without_quotes() {
        let text = "NAME=\"Debian\"\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\n";
        assert_eq!(pretty_name(text).as_deref(), Some("Debian GNU/Linux 12 (bookworm)"));
        assert_eq!(pretty_name("NAME=x"), None);
    }
}
