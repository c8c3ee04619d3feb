-- What retention policies that were tried would make of snapshots.
CREATE TABLE previews (
    job BLOB NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    id TEXT NOT NULL,
    time INTEGER NOT NULL,
    previewed TEXT NOT NULL,
    PRIMARY KEY (job, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX previews_time ON previews (job, time, id);

-- What a job tries before anybody keeps it; wiped when the job ends.
CREATE TABLE drafts (
    job BLOB NOT NULL PRIMARY KEY REFERENCES jobs (id) ON DELETE CASCADE,
    sealed BLOB NOT NULL
) STRICT, WITHOUT ROWID;
