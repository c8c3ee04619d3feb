//! Sealed blobs, tokens, passwords and session keys.
