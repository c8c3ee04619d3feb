//! How large what an agent and its server say to each other may be: one table, used by the end that makes a thing and by
//! the end that takes it, so that nothing is made that cannot be taken.
//!
//! What is longer is cut with a mark, sent in parts, or replaced by a word that says what was left out.

/// One limit.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Limit {
    /// Its name here.
    pub name: &'static str,
    /// How much it is.
    pub number: usize,
    /// What it bounds.
    pub what: &'static str,
    /// The test that shows so, by the name of its function.
    pub test: &'static str,
}

macro_rules! limits {
    ($($(#[$doc:meta])* $name:ident = $value:expr, $what:literal, $test:literal;)*) => {
        $($(#[$doc])* pub const $name: usize = $value;)*

        /// Every limit.
        pub const ALL: &[Limit] =
            &[$(Limit { name: stringify!($name), number: $name, what: $what, test: $test }),*];
    };
}

limits! {
    /// Longest frame, in bytes, that either end sends or accepts.
    FRAME_BYTES = 1024 * 1024, "bytes of one frame",
        "each_item_at_its_largest_fits_into_a_frame";
    /// Longest item of an outbox, in bytes of JSON.
    ITEM_BYTES = 384 * 1024, "bytes of one item of an outbox",
        "each_item_at_its_largest_fits_into_a_frame";
    /// Items of one report, in bytes of JSON; a single item may be longer, up to its own limit.
    REPORT_BYTES = 256 * 1024, "bytes of the items of one report",
        "a_report_of_the_largest_size_fits_with_a_largest_item_behind";
    /// Longest line of a log, in bytes.
    LINE_BYTES = 16 * 1024, "bytes of one line of a log",
        "each_item_at_its_largest_fits_into_a_frame";
    /// Most files in the progress of a job.
    PROGRESS_FILES = 4, "files named in the progress of a job",
        "progress_is_cut_to_its_limits";
    /// Longest name of a file in the progress of a job, in bytes.
    PROGRESS_FILE_BYTES = 256, "bytes of each of them",
        "progress_is_cut_to_its_limits";
    /// Longest words that prove a cause, in bytes.
    DETAIL_BYTES = 2 * 1024, "bytes of the detail of an end or of a look",
        "each_item_at_its_largest_fits_into_a_frame";
    /// Longest command of restic that is reported, in bytes.
    COMMAND_BYTES = 2 * 1024, "bytes of a reported command",
        "each_item_at_its_largest_fits_into_a_frame";
    /// Longest name inside a snapshot, in bytes: of a machine, a user, a program; an id.
    NAME_BYTES = 1024, "bytes of a name inside a snapshot",
        "each_item_at_its_largest_fits_into_a_frame";
    /// Most text of one snapshot's paths, and of its tags, in bytes.
    PATHS_BYTES = 16 * 1024, "bytes of the paths, and of the tags, of one snapshot",
        "each_item_at_its_largest_fits_into_a_frame";
    /// Most snapshots in one part of a listing.
    PART_SNAPSHOTS = 250, "snapshots in one part of a listing",
        "a_listing_without_end_is_refused";
    /// Most text of one part of a listing, in bytes of JSON, unless a single snapshot is longer.
    PART_BYTES = 128 * 1024, "bytes of one part of a listing",
        "a_listing_fits_into_what_a_server_holds";
    /// Most parts of one listing.
    LISTING_PARTS = 1024, "parts of one listing",
        "a_listing_without_end_is_refused";
    /// Most bytes that wait at the server for the end of a listing.
    LISTING_BYTES = 32 * 1024 * 1024, "bytes of one listing",
        "a_listing_fits_into_what_a_server_holds";
    /// Most jobs in one part of an inventory.
    INVENTORY_PART = 4096, "jobs in one part of an inventory",
        "a_part_of_an_inventory_fits_into_a_frame";
    /// Most jobs of one inventory.
    INVENTORY_JOBS = 32 * 1024, "jobs of one inventory",
        "an_inventory_in_parts_is_one_inventory";
    /// Most locks that one job tells of, or is asked to remove.
    LOCKS = 16, "locks of one job",
        "each_item_at_its_largest_fits_into_a_frame";
    /// Longest path inside a snapshot, in bytes.
    PATH_BYTES = 16 * 1024, "bytes of one path inside a snapshot",
        "what_cannot_be_restored_is_refused_by_its_field";
    /// Most paths of one restore.
    RESTORE_PATHS = 2_000, "paths of one restore",
        "what_cannot_be_restored_is_refused_by_its_field";
    /// Most text of the paths of one restore, in bytes.
    RESTORE_PATHS_BYTES = 256 * 1024, "bytes of the paths of one restore",
        "a_restore_and_an_answer_at_their_largest_fit_into_a_frame";
    /// Longest part of an answer, in bytes of JSON.
    ANSWER_BYTES = 256 * 1024, "bytes of one part of an answer",
        "a_restore_and_an_answer_at_their_largest_fit_into_a_frame";
    /// Most parts of an answer that are on their way at once.
    ANSWER_PARTS = 8, "parts of an answer on their way at once",
        "a_part_without_room_is_noticed";
    /// Most entries of one page of a folder.
    FOLDER_PAGE = 500, "entries of one page of a folder",
        "a_restore_and_an_answer_at_their_largest_fit_into_a_frame";
    /// Most paths of one answer to a search.
    SEARCH_HITS = 200, "paths of one answer to a search",
        "a_restore_and_an_answer_at_their_largest_fit_into_a_frame";
    /// Longest text that is searched for, in bytes.
    SEARCH_BYTES = 256, "bytes of a text that is searched for",
        "what_cannot_be_looked_at_is_said";
    /// Most source groups of one schedule.
    SLOT_GROUPS = 64, "source groups of one slot",
        "each_item_at_its_largest_fits_into_a_frame";
}

/// A text of at most `bytes` bytes: as it is, or its beginning with a mark that says how much is gone.
///
/// ```
/// use restic_manager_proto::limits::cut;
/// assert_eq!(cut("short", 100), "short");
/// assert_eq!(cut(&"x".repeat(200), 100).len(), 100);
/// assert!(cut(&"x".repeat(200), 100).ends_with("more)"));
/// ```
#[must_use]
pub fn cut(text: &str, bytes: usize) -> String {
    if text.len() <= bytes {
        return text.to_owned();
    }
    // The mark for what is left out is never longer than the one for everything.
    let room = bytes.saturating_sub(mark(text.len()).len());
    let kept = &text[..text.floor_char_boundary(room)];
    let marked = format!("{kept}{}", mark(text.len() - kept.len()));
    marked[..marked.floor_char_boundary(bytes)].to_owned()
}

/// As many texts as fit into so many bytes; the last says how many more there were.
#[must_use]
pub fn cut_all(mut texts: Vec<String>, bytes: usize) -> Vec<String> {
    let mut used = 0;
    let fit = texts.iter().take_while(|text| {
        used += text.len();
        used <= bytes
    });
    let (kept, all) = (fit.count(), texts.len());
    if kept < all {
        texts.truncate(kept);
        texts.push(format!("… {} more", all - kept));
    }
    texts
}

fn mark(gone: usize) -> String {
    format!("… ({gone} bytes more)")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_text_fits_and_says_how_much_is_gone() {
        for (text, bytes) in [("é".repeat(9000), 16 * 1024), ("é".repeat(9000), 41), ("x".repeat(90), 3)] {
            let text = cut(&text, bytes);
            assert!(text.len() <= bytes, "{} is more than {bytes}", text.len());
        }
        assert_eq!(cut(&"x".repeat(100), 64), format!("{}… (56 bytes more)", "x".repeat(44)));
    }

    #[test]
    fn texts_that_are_left_out_are_counted() {
        let texts = cut_all(vec!["x".repeat(8); 5], 16);
        assert_eq!((texts.len(), texts[2].as_str()), (3, "… 3 more"));
        assert_eq!(cut_all(vec!["a".to_owned()], 16), ["a"]);
    }

    #[test]
    fn limits_fit_into_one_another() {
        const { assert!(ITEM_BYTES + 1024 < FRAME_BYTES && REPORT_BYTES + ITEM_BYTES < FRAME_BYTES) };
        // A character of a line may take six bytes of JSON.
        const { assert!(6 * LINE_BYTES + 1024 < ITEM_BYTES && 6 * DETAIL_BYTES + 6 * 1024 < ITEM_BYTES) };
        const { assert!(6 * (2 * PATHS_BYTES + 5 * NAME_BYTES) < ITEM_BYTES - PART_BYTES) };
        assert_eq!(
            ALL.len(),
            ALL.iter().map(|limit| limit.name).collect::<std::collections::BTreeSet<_>>().len()
        );
    }
}
