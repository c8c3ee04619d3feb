//! What templates may show: small typed values, each the argument of one component.

mod component;
mod frame;
mod state;

pub(crate) use component::{
    Action, Banner, Chart, ChartRow, Chip, Column, Day, Fingerprint, LogRow, LogView, Moment, Pager, Pill,
    ProgressView, SecretState, SelectOption, Size, Step, Tab, Tile, Tone,
};
pub(crate) use frame::{Account, FleetSentence, FormTokens, Frame, RailCount, Section, Toast};
pub(crate) use state::{
    enrolment_pill, health_pill, job_pill, kind_word, location_pill, presence_pill, severity_pill,
    trigger_word,
};
