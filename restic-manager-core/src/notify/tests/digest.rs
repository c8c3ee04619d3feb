use restic_manager_proto::vocabulary::{Cause, JobKind, JobState, NoticeKind};

use super::at;
use crate::notify::{Report, compose};

fn report() -> Report {
    Report {
        from: at(0),
        until: at(86_400),
        ended: vec![
            (JobKind::Backup, JobState::Failed, 12),
            (JobKind::Backup, JobState::Succeeded, 200),
            (JobKind::Check, JobState::Succeeded, 1),
        ],
        failed: (1..=10)
            .map(|n| (format!("web-{n}/system"), JobKind::Backup, Cause::SourceMissing))
            .collect(),
        grown: vec![("db-1/data".to_owned(), 3 << 30)],
    }
}

#[test]
fn a_digest_says_what_ran_what_failed_and_what_grew() {
    let words = report().words();
    for line in [
        "backup: 12 failed, 200 succeeded",
        "check: 1 succeeded",
        "- web-10/system: backup, source missing",
        "… and 2 more",
        "- db-1/data: 3.0 GiB",
    ] {
        assert!(words.lines().any(|one| one == line), "{line}: {words}");
    }
    let nothing = Report { ended: vec![], failed: vec![], grown: vec![], ..report() };
    assert_eq!(nothing.words().lines().nth(1), Some("No job ended."));
}

#[test]
fn its_title_says_how_it_went() {
    let digest = |report: &Report| {
        let url = "https://backup.example.com";
        compose("id".to_owned(), NoticeKind::Digest, vec![], 0, 4, url, at(60)).with_report(report)
    };
    let message = digest(&report());
    assert_eq!(message.title, "restic-manager: 213 jobs, 12 failed or incomplete");
    assert!(message.body.starts_with("From ") && message.body.ends_with("Alerts that are open now: 4"));
    let quiet = Report { ended: vec![(JobKind::Backup, JobState::Succeeded, 3)], failed: vec![], ..report() };
    assert_eq!(digest(&quiet).title, "restic-manager: 3 jobs, all well");
}
