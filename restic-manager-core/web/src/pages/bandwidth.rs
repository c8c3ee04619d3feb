//! The two fields that say how fast restic may be, as several forms have them.

use restic_manager_proto::Bandwidth;

use super::{form_reader::FormReader, form_state::FormState};

/// Adds the fields to a form.
pub(crate) fn fill(form: &mut FormState<'_>, stored: Bandwidth) {
    let text = |limit: Option<u32>| limit.map(|limit| limit.to_string()).unwrap_or_default();
    form.text_of("upload_kib", "bandwidth.upload_kib", &text(stored.upload_kib)).text_of(
        "download_kib",
        "bandwidth.download_kib",
        &text(stored.download_kib),
    );
}

/// What was typed.
pub(crate) fn read(reader: &mut FormReader<'_>) -> Bandwidth {
    let mut limit = |name: &str| {
        reader.optional(
            name,
            &format!("bandwidth.{name}"),
            "a whole number, such as 2048, or nothing for no limit",
        )
    };
    Bandwidth { upload_kib: limit("upload_kib"), download_kib: limit("download_kib") }
}

/// In words; `None` when there is no limit.
pub(crate) fn words(limits: Bandwidth) -> Option<String> {
    let one = |verb: &str, limit: Option<u32>| limit.map(|kib| format!("{verb} at most {kib} KiB/s"));
    let parts = [one("sends", limits.upload_kib), one("receives", limits.download_kib)];
    let words: Vec<_> = parts.into_iter().flatten().collect();
    (!words.is_empty()).then(|| words.join(", "))
}
