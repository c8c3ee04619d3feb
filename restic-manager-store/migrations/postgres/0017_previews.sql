-- What retention policies that were tried would make of snapshots.
CREATE TABLE previews (
    job BYTEA NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    id TEXT COLLATE "C" NOT NULL,
    time BIGINT NOT NULL,
    previewed TEXT NOT NULL,
    PRIMARY KEY (job, id)
);
CREATE INDEX previews_time ON previews (job, time, id);

-- What a job tries before anybody keeps it; wiped when the job ends.
CREATE TABLE drafts (
    job BYTEA NOT NULL PRIMARY KEY REFERENCES jobs (id) ON DELETE CASCADE,
    sealed BYTEA NOT NULL
);
