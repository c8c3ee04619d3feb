-- Scripts around backups; a row belongs to the host or the source group of that id.
CREATE TABLE hooks (
    owner BLOB NOT NULL PRIMARY KEY,
    sealed BLOB NOT NULL,
    set_at INTEGER NOT NULL,
    set_by BLOB,
    version INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
