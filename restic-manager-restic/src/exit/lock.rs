use std::time::Duration;

use serde::Serialize;

/// Who holds the lock, as restic tells it when it gives up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct LockHolder {
    /// Process id on the holder's machine.
    pub pid: u64,
    /// Name of that machine.
    pub host: String,
    /// User that runs it.
    pub user: String,
    /// Numeric user; 0 on Windows.
    pub uid: Option<u32>,
    /// Numeric group; 0 on Windows.
    pub gid: Option<u32>,
    /// Whether nobody else may use the repository meanwhile.
    pub is_exclusive: bool,
    /// When the lock was last refreshed, such as `2026-11-22 02:56:20`: local time of the **reading** machine,
    /// without a zone.
    pub created: Option<String>,
    /// How long ago that was.
    pub age: Option<Duration>,
    /// First characters of the lock's file name.
    pub lock_id: Option<String>,
}

impl LockHolder {
    /// Reads the line that names the holder.
    pub(super) fn from_line(line: &str) -> Option<Self> {
        let (_, rest) = line.split_once("repository is already locked ")?;
        let (is_exclusive, rest) = match rest.strip_prefix("exclusively ") {
            Some(rest) => (true, rest),
            None => (false, rest),
        };
        let (pid, rest) = rest.strip_prefix("by PID ")?.split_once(" on ")?;
        let rest = rest.lines().next()?.trim_end();
        let (rest, ids) = rest.rsplit_once(" (UID ").unwrap_or((rest, ""));
        let (host, user) = rest.rsplit_once(" by ")?;
        let (uid, gid) = ids.trim_end_matches(')').split_once(", GID ").unwrap_or(("", ""));
        Some(Self {
            pid: pid.parse().ok()?,
            host: host.to_owned(),
            user: user.to_owned(),
            uid: uid.parse().ok(),
            gid: gid.parse().ok(),
            is_exclusive,
            created: None,
            age: None,
            lock_id: None,
        })
    }

    /// Adds what one of the lines after it tells.
    pub(super) fn add_line(&mut self, line: &str) {
        if let Some(rest) = line.strip_prefix("lock was created at ") {
            let (created, age) = rest.split_once(" (").unwrap_or((rest, ""));
            self.created = Some(created.to_owned());
            self.age = age.strip_suffix(" ago)").and_then(go_duration);
        } else if let Some(id) = line.strip_prefix("storage ID ") {
            self.lock_id = Some(id.to_owned());
        }
    }
}

/// Reads Go's way of writing durations, such as `1h2m3.5s` or `681.595863ms`.
fn go_duration(text: &str) -> Option<Duration> {
    let mut rest = text.strip_prefix('-').unwrap_or(text);
    let mut seconds = 0.0;
    while !rest.is_empty() {
        let digits = rest.find(|char: char| !char.is_ascii_digit() && char != '.')?;
        let (number, tail) = rest.split_at(digits);
        let letters = tail.find(|char: char| char.is_ascii_digit()).unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(letters);
        let unit_seconds = match unit {
            "h" => 3600.0,
            "m" => 60.0,
            "s" => 1.0,
            "ms" => 1e-3,
            "µs" | "us" => 1e-6,
            "ns" => 1e-9,
            _ => return None,
        };
        seconds += number.parse::<f64>().ok()? * unit_seconds;
        rest = tail;
    }
    Duration::try_from_secs_f64(if text.starts_with('-') { 0.0 } else { seconds }).ok()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{LockHolder, go_duration};

    #[test]
    fn the_holder_is_read_whatever_its_names() {
        let line = r"unable to create lock in backend: repository is already locked exclusively by PID 17 on by by the on \ host by AD\Jo by Doe (UID 1000, GID 1001)";
        let mut holder = LockHolder::from_line(line).expect("a holder");
        holder.add_line("lock was created at 2026-11-22 02:56:20 (1h2m3.5s ago)");
        holder.add_line("storage ID e6838e8d");
        assert_eq!((holder.pid, holder.uid, holder.gid), (17, Some(1000), Some(1001)));
        assert!(holder.is_exclusive);
        assert_eq!(holder.created.as_deref(), Some("2026-11-22 02:56:20"));
        assert_eq!(holder.age, Some(Duration::from_millis(3_723_500)));
        assert_eq!(holder.lock_id.as_deref(), Some("e6838e8d"));

        let holder = LockHolder::from_line("repository is already locked by PID 5 on a.example by root")
            .expect("a holder");
        assert_eq!((holder.host.as_str(), holder.user.as_str(), holder.uid), ("a.example", "root", None));
        assert!(!holder.is_exclusive);
        assert_eq!(LockHolder::from_line("repository is already locked by nobody"), None);
    }

    #[test]
    fn durations_of_go() {
        assert_eq!(go_duration("681.5ms"), Some(Duration::from_micros(681_500)));
        assert_eq!(go_duration("20.032457724s").map(|age| age.as_secs()), Some(20));
        assert_eq!(go_duration("-3s"), Some(Duration::ZERO));
        assert_eq!(go_duration("3 parsecs"), None);
        assert_eq!(go_duration("3"), None);
    }
}
