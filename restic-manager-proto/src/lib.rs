//! The restic-manager wire: agent messages, session state machine and HTTP API types, without I/O.
