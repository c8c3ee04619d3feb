//! The two fields that say how fast restic may be, as several forms have them.

use restic_manager_proto::{Bandwidth, api::Problem};
use serde::Serialize;

use super::{context::Cx, problem::field};

/// What the fields hold, and what is wrong with it.
#[derive(Default, Serialize)]
pub(crate) struct BandwidthFields {
    upload: String,
    download: String,
    upload_error: Option<String>,
    download_error: Option<String>,
}

impl BandwidthFields {
    /// As it was typed, or else as it is kept.
    pub(crate) fn new(cx: &Cx, typed: bool, kept: Bandwidth, problem: Option<&Problem>) -> Self {
        let text = |name: &str, kept: Option<u32>| match typed {
            true => cx.form.text(name).to_owned(),
            false => kept.map(|limit| limit.to_string()).unwrap_or_default(),
        };
        Self {
            upload: text("upload_kib", kept.upload_kib),
            download: text("download_kib", kept.download_kib),
            upload_error: field(problem, "bandwidth.upload_kib"),
            download_error: field(problem, "bandwidth.download_kib"),
        }
    }
}

/// What was typed. What is no number is refused by the API, which says what it may be.
pub(crate) fn posted(cx: &Cx) -> Bandwidth {
    let limit = |name: &str| cx.form.given(name).map(|text| text.parse().unwrap_or(u32::MAX));
    Bandwidth { upload_kib: limit("upload_kib"), download_kib: limit("download_kib") }
}

/// In words; `None` when there is no limit.
pub(crate) fn words(limits: Bandwidth) -> Option<String> {
    let one = |verb: &str, limit: Option<u32>| limit.map(|kib| format!("{verb} at most {kib} KiB/s"));
    let parts = [one("sends", limits.upload_kib), one("receives", limits.download_kib)];
    let words: Vec<_> = parts.into_iter().flatten().collect();
    (!words.is_empty()).then(|| words.join(", "))
}
