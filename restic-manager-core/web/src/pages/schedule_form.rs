//! The form of a schedule: presets and other times, what a missed run means, the next runs.

use restic_manager_proto::{
    Misfire, SourceGroupId, Timestamp,
    api::schedules::{Run, Schedule, ScheduleChange, Times},
};
use serde::Serialize;

use super::{bandwidth, form_reader::FormReader, form_state::FormState};
use crate::{
    api::Failure,
    forms::Form,
    length::{self, HOUR, MINUTE},
    view::Moment,
};

/// Times that most people want; the text field takes any other.
const PRESETS: &[(&str, &str, &str)] = &[
    ("hourly", "Every hour", "0 * * * *"),
    ("nightly", "Every night", "30 2 * * *"),
    ("workdays", "On workdays", "0 20 * * mon-fri"),
    ("weekly", "Every week", "0 3 * * sun"),
    ("monthly", "Every month", "0 4 1 * *"),
];
const OWN: &str = "own";

/// How long ago a success may be, where nothing else is said.
const USUAL_AGE: u64 = 24 * HOUR;
/// Within this time hosts start, where nothing else is said.
const USUAL_SPREAD: u32 = 600;

#[derive(Serialize)]
pub(crate) struct NextRun {
    pub(crate) at: Moment,
    pub(crate) local: String,
    pub(crate) note: String,
}

impl NextRun {
    pub(crate) fn new(now: Timestamp, run: &Run) -> Self {
        Self { at: Moment::new(run.at, now), local: run.local.clone(), note: run.note.clone() }
    }
}

/// A preset's words, or the times as they are written.
pub(super) fn times(cron: &str) -> String {
    let preset = PRESETS.iter().find(|(_, _, times)| *times == cron);
    preset.map_or_else(|| cron.to_owned(), |(_, label, times)| format!("{label} ({times})"))
}

#[derive(Serialize)]
pub(super) struct Preset {
    value: &'static str,
    label: &'static str,
    cron: &'static str,
}

pub(super) fn presets() -> Vec<Preset> {
    PRESETS.iter().map(|&(value, label, cron)| Preset { value, label, cron }).collect()
}

/// The next runs of what is typed, or why there are none.
#[derive(Default, Serialize)]
pub(super) struct Preview {
    pub(super) runs: Vec<NextRun>,
    pub(super) error: Option<String>,
}

/// Adds the fields to a form, but for the groups.
pub(super) fn fill(form: &mut FormState<'_>, stored: Option<&Schedule>, host_zone: Option<&str>) {
    let (misfire, age) = misfire_words(stored.map(|schedule| schedule.misfire));
    let spread = stored.map_or(USUAL_SPREAD, |schedule| schedule.jitter_seconds);
    form.text("name", stored.map_or("nightly", |schedule| &schedule.name))
        .text("every", stored.map_or("nightly", |schedule| every(&schedule.cron)))
        .text("cron", stored.map_or("", |schedule| &schedule.cron))
        .text("zone", stored.map_or(host_zone.unwrap_or("UTC"), |schedule| &schedule.zone))
        .text("misfire", misfire)
        .text("age_hours", &length::write(age, HOUR))
        .text_of("jitter_minutes", "jitter_seconds", &length::write(spread.into(), MINUTE))
        .flag("enabled", stored.is_none_or(|schedule| schedule.enabled));
    bandwidth::fill(form, stored.map(|schedule| schedule.bandwidth).unwrap_or_default());
}

fn every(cron: &str) -> &'static str {
    PRESETS.iter().find(|(_, _, times)| *times == cron).map_or(OWN, |(value, _, _)| value)
}

/// The choice, and the age that counts for one of them. A policy that is not known here is none of the choices, so that
/// saving cannot replace it unseen.
fn misfire_words(stored: Option<Misfire>) -> (&'static str, u64) {
    match stored {
        None | Some(Misfire::RunOnce) => ("run-once", USUAL_AGE),
        Some(Misfire::Skip) => ("skip", USUAL_AGE),
        Some(Misfire::RunIfOlder { seconds }) => ("run-if-older", seconds),
        Some(_) => ("", USUAL_AGE),
    }
}

/// The times that are meant: a preset's, or those in the text field.
pub(super) fn times_of<'a>(field: impl Fn(&str) -> &'a str) -> Times {
    let preset = PRESETS.iter().find(|(value, _, _)| *value == field("every"));
    let cron = preset.map_or_else(|| field("cron").trim(), |(_, _, cron)| cron);
    Times { cron: cron.to_owned(), zone: field("zone").trim().to_owned() }
}

/// What was typed, for these groups.
pub(super) fn read(form: &Form, source_groups: Vec<SourceGroupId>) -> Result<ScheduleChange, Failure> {
    let mut reader = FormReader::new(form);
    let Times { cron, zone } = times_of(|name| form.text(name));
    let (misfire, jitter_seconds) = (read_misfire(&mut reader), read_spread(&mut reader));
    let bandwidth = bandwidth::read(&mut reader);
    reader.finish(misfire.map(|misfire| ScheduleChange {
        name: form.text("name").to_owned(),
        cron,
        zone,
        misfire,
        jitter_seconds,
        bandwidth,
        enabled: form.given("enabled").is_some(),
        source_groups,
    }))
}

fn read_misfire(reader: &mut FormReader<'_>) -> Option<Misfire> {
    match reader.form.text("misfire") {
        "run-once" => Some(Misfire::RunOnce),
        "skip" => Some(Misfire::Skip),
        "run-if-older" => {
            let seconds = length::read(reader.form.text("age_hours"), HOUR);
            if seconds.is_none() {
                reader.refuse("age_hours", "hours, such as 24, or a length of time, such as 90 min");
            }
            seconds.map(|seconds| Misfire::RunIfOlder { seconds })
        }
        _ => {
            reader.refuse("misfire", "choose one of those offered");
            None
        }
    }
}

fn read_spread(reader: &mut FormReader<'_>) -> u32 {
    let Some(text) = reader.form.given("jitter_minutes") else { return 0 };
    let seconds = length::read(text, MINUTE).and_then(|seconds| u32::try_from(seconds).ok());
    if seconds.is_none() {
        reader.refuse("jitter_seconds", "minutes, such as 10, or a length of time, such as 30 s");
    }
    seconds.unwrap_or_default()
}

/// The editor of times with something in each of its slots, for the gallery.
#[derive(Serialize)]
pub(crate) struct ScheduleSample {
    form: FormState<'static>,
    presets: Vec<Preset>,
    zones: Vec<String>,
    preview: Preview,
}

impl ScheduleSample {
    pub(crate) fn new(hostile: &str, now: Timestamp) -> Self {
        let run = |days: u64, note: &str| NextRun {
            at: Moment::new(now.after(std::time::Duration::from_secs(days * 86_400)), now),
            local: format!("2027-03-{:02} 02:30 CET", 26 + days),
            note: note.to_owned(),
        };
        let mut form = FormState::default();
        fill(&mut form, None, None);
        form.show("every", OWN)
            .show("cron", hostile)
            .refuse("cron", Some("4 fields instead of five".to_owned()));
        Self {
            form,
            presets: presets(),
            zones: vec!["Europe/Berlin".to_owned(), hostile.to_owned()],
            preview: Preview {
                runs: vec![
                    run(1, ""),
                    run(2, "the clock is put forward over 02:30 that day"),
                    run(3, hostile),
                ],
                error: None,
            },
        }
    }
}
