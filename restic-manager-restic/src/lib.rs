//! Drive the restic command line, or only parse its JSON.
