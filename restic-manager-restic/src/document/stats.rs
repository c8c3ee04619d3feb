use serde::{Deserialize, Serialize};

/// What `stats` prints. Zero everywhere if no snapshot matched.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Stats {
    /// Bytes, of what depends on the mode: restored files, distinct contents, or stored blobs.
    pub total_size: u64,
    /// Bytes before compression; mode `raw-data` of restic 0.15 and later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total_uncompressed_size: Option<u64>,
    /// Uncompressed size divided by stored size; mode `raw-data` of restic 0.15 and later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compression_ratio: Option<f64>,
    /// Percentage of the blobs that are stored in the compressible format; mode `raw-data` of restic 0.15 and later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compression_progress: Option<f64>,
    /// Percentage saved by compression; mode `raw-data` of restic 0.15 and later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compression_space_saving: Option<f64>,
    /// Files; modes `restore-size` and `files-by-contents`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total_file_count: Option<u64>,
    /// Blobs; modes `blobs-per-file` and `raw-data`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total_blob_count: Option<u64>,
    /// Snapshots looked at.
    pub snapshots_count: u64,
}
