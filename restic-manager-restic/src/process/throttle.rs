use std::time::Duration;

use tokio::time::Instant;

use crate::event::Event;

/// Lets status events through at most once in an interval and keeps the newest of those held back.
#[derive(Debug)]
pub(super) struct Throttle {
    interval: Duration,
    next: Option<Instant>,
    held: Option<Event>,
}

impl Throttle {
    pub(super) fn new(interval: Duration) -> Self {
        Self { interval, next: None, held: None }
    }

    /// Takes an event that arrived at `now`; gives it back if it may pass.
    pub(super) fn admit(&mut self, event: Event, now: Instant) -> Option<Event> {
        match event {
            Event::Status(_) if self.next.is_some_and(|next| now < next) => {
                self.held = Some(event);
                None
            }
            Event::Status(_) => {
                self.held = None;
                self.next = Some(now + self.interval);
                Some(event)
            }
            // After the summary an old status would only confuse.
            Event::BackupSummary(_) | Event::RestoreSummary(_) => {
                self.held = None;
                Some(event)
            }
            event => Some(event),
        }
    }

    /// When a held event may pass.
    pub(super) fn due(&self) -> Option<Instant> {
        self.held.as_ref().and(self.next)
    }

    /// The held event, if its time has come.
    pub(super) fn release(&mut self, now: Instant) -> Option<Event> {
        if self.next.is_some_and(|next| now < next) {
            return None;
        }
        let event = self.held.take()?;
        self.next = Some(now + self.interval);
        Some(event)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::EventRef;

    const SECOND: Duration = Duration::from_secs(1);

    fn event(line: &str) -> Event {
        EventRef::from_line(line.as_bytes()).into_owned()
    }

    fn status(percent: &str) -> Event {
        event(&format!(r#"{{"message_type":"status","percent_done":{percent}}}"#))
    }

    #[tokio::test(start_paused = true)]
    async fn the_newest_status_passes_once_an_interval() {
        let (mut throttle, start) = (Throttle::new(SECOND), Instant::now());
        assert_eq!(throttle.admit(status("0.1"), start), Some(status("0.1")));
        assert_eq!(throttle.admit(status("0.2"), start + SECOND / 4), None);
        assert_eq!(throttle.admit(status("0.3"), start + SECOND / 2), None);
        assert_eq!(throttle.due(), Some(start + SECOND));
        assert_eq!(throttle.release(start + SECOND / 2), None);
        assert_eq!(throttle.release(start + SECOND), Some(status("0.3")));
        assert_eq!(throttle.due(), None);
        assert_eq!(throttle.admit(status("0.4"), start + SECOND), None);
    }

    #[tokio::test(start_paused = true)]
    async fn other_events_pass_at_once_and_a_summary_ends_progress() {
        let (mut throttle, start) = (Throttle::new(SECOND), Instant::now());
        assert!(throttle.admit(status("0.1"), start).is_some());
        assert!(throttle.admit(status("0.2"), start).is_none());
        assert!(throttle.admit(event("a word"), start).is_some());
        assert!(throttle.due().is_some());
        assert!(throttle.admit(event(r#"{"message_type":"summary"}"#), start).is_some());
        assert_eq!(throttle.due(), None);
    }
}
