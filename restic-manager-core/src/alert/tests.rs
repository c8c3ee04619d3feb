use super::*;
use proptest::prelude::*;

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_milliseconds(1_795_316_400_000).after(Duration::from_secs(seconds))
}

#[test]
fn every_kind_has_one_row_with_a_next_step() {
    for kind in AlertKind::ALL {
        let rows: Vec<_> = meanings().filter(|row| row.kind == *kind).collect();
        assert_eq!(rows.len(), 1, "{kind}: add it to the table");
        for sentence in [rows[0].next_step, rows[0].raised] {
            assert!(sentence.ends_with('.'), "{kind}: {sentence}");
        }
        if let Resolved::ByRule(sentence) = rows[0].resolved {
            assert!(sentence.ends_with('.'), "{kind}: {sentence}");
        }
    }
}

#[test]
fn what_became_graver_stays_so_as_long_as_it_goes_on() {
    let failed = meaning(AlertKind::BackupFailed);
    let severities: Vec<_> = (1..=4).map(|count| failed.severity_at(count)).collect();
    let (warning, critical) = (Severity::Warning, Severity::Critical);
    assert_eq!(severities, [warning, warning, critical, critical]);
    assert_eq!(meaning(AlertKind::HostOffline).severity_at(99), warning);
}

#[test]
fn silence_is_a_fault_of_hosts_that_are_always_on() {
    assert_eq!(offline_from(PresenceMode::AlwaysOn, Some(at(0))), Some(at(90 + 300)));
    assert_eq!(offline_from(PresenceMode::AlwaysOn, None), None);
    assert_eq!(offline_from(PresenceMode::Intermittent, Some(at(0))), None);
}

#[test]
fn an_acknowledgement_ends_and_says_why_in_a_line() {
    let day = Duration::from_secs(86_400);
    for (reason, until, wrong) in [
        ("", None, None),
        ("disk is ordered", Some(at(1)), None),
        ("", Some(at(0)), Some("until")),
        ("", Some(at(0).after(90 * day)), None),
        ("", Some(at(1).after(90 * day)), Some("until")),
        ("two\nlines", None, Some("reason")),
    ] {
        let found = check_acknowledgement(reason, until, at(0)).err().map(|(field, _)| field);
        assert_eq!(found, wrong, "{reason:?} {until:?}");
    }
    assert!(check_acknowledgement(&"ö".repeat(200), None, at(0)).is_ok());
    assert!(check_acknowledgement(&"ö".repeat(201), None, at(0)).is_err());
}

proptest! {
    #[test]
    fn a_backup_that_failed_is_an_alert_and_one_that_succeeded_is_none(
        state in prop::sample::select(JobState::ALL), cause in prop::sample::select(Cause::ALL)
    ) {
        let found = of_backup(state, cause);
        prop_assert_eq!(found.is_some(), matches!(state, JobState::Failed | JobState::Incomplete));
        prop_assert!(found.is_none_or(|kind| ENDS_OF_BACKUPS.contains(&kind)));
    }

    #[test]
    fn what_a_job_says_of_a_repository_is_said_of_it(
        state in prop::sample::select(JobState::ALL), cause in prop::sample::select(Cause::ALL)
    ) {
        if let Some(seen) = seen_by_job(state, cause) {
            prop_assert_eq!(of_repository(seen).is_some(), state == JobState::Failed);
            prop_assert_eq!(of_repository(seen).is_some(), STATES_OF_REPOSITORIES.contains(&seen));
        }
    }
}

#[test]
fn what_gathers_is_about_the_server() {
    for kind in AlertKind::ALL {
        if let Some(gathering) = gathering(*kind) {
            assert_eq!(meaning(gathering.into).subject, "server");
            assert!(super::gathering(gathering.into).is_none(), "no circle");
        }
    }
}

#[test]
fn what_freezes_is_critical_and_says_how_it_goes_on() {
    for kind in AlertKind::ALL {
        let Some(freezing) = freezing(*kind) else { continue };
        let row = meaning(*kind);
        assert_eq!(row.severity, Severity::Critical, "{kind}");
        let subject = if freezing == Freezing::Repository { "repository" } else { "source-group" };
        assert_eq!(row.subject, subject, "{kind}");
        assert!(row.next_step.contains("lift") && row.next_step.contains("freeze"), "{kind}");
    }
}

#[test]
fn many_hosts_are_a_fifth_of_them_and_no_fewer_than_five() {
    let rule = gathering(AlertKind::HostOffline).unwrap();
    for (fleet, needed) in [(0, 5), (5, 5), (25, 5), (26, 6), (100, 20), (2500, 500), (10_000, 500)] {
        assert_eq!(rule.needed(fleet), needed, "{fleet}");
    }
    assert_eq!(rule.needed(COUNTED_HOSTS), rule.needed(usize::MAX));
    assert_eq!(gathering(AlertKind::SourceShrunk).unwrap().needed(10_000), 3);
}
