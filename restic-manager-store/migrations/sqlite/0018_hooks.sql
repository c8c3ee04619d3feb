-- Scripts around backups; a row belongs to the host or the source group of that id, as its kind says.
CREATE TABLE hooks (
    kind TEXT NOT NULL,
    owner BLOB NOT NULL,
    sealed BLOB NOT NULL,
    set_at INTEGER NOT NULL,
    set_by BLOB,
    version INTEGER NOT NULL,
    PRIMARY KEY (kind, owner)
) STRICT, WITHOUT ROWID;
