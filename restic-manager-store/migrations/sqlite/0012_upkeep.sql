-- Rights to use a repository, held or waited for; each goes with its job.
CREATE TABLE leases (
    job BLOB NOT NULL PRIMARY KEY REFERENCES jobs (id) ON DELETE CASCADE,
    repository BLOB NOT NULL,
    host BLOB NOT NULL,
    kind TEXT NOT NULL,
    mode TEXT NOT NULL,
    state TEXT NOT NULL,
    expires INTEGER NOT NULL,
    lost INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX leases_held ON leases (repository, job) WHERE state = 'held';
CREATE INDEX leases_waiting ON leases (repository, job) WHERE state <> 'held';
CREATE INDEX leases_queue ON leases (job) WHERE state <> 'held';
CREATE INDEX leases_fleet ON leases (job) WHERE state = 'waits-for-fleet';
CREATE INDEX leases_all_held ON leases (expires, job) WHERE state = 'held';
CREATE INDEX leases_host ON leases (host);

-- The duties of a repository. A moment of 0 was never planned.
CREATE TABLE upkeep (
    repository BLOB NOT NULL REFERENCES repositories (id) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    every_hours INTEGER,
    due INTEGER,
    since INTEGER NOT NULL,
    effective INTEGER,
    failures INTEGER NOT NULL,
    job BLOB,
    last_job BLOB,
    last_cause TEXT,
    part INTEGER NOT NULL,
    parts INTEGER NOT NULL,
    PRIMARY KEY (repository, kind)
) STRICT, WITHOUT ROWID;
CREATE INDEX upkeep_due ON upkeep (due, repository, kind) WHERE due IS NOT NULL;

ALTER TABLE repositories ADD COLUMN runner BLOB;
ALTER TABLE repositories ADD COLUMN parallel INTEGER;
CREATE INDEX repositories_runner ON repositories (runner) WHERE runner IS NOT NULL;

INSERT INTO upkeep (repository, kind, every_hours, due, since, failures, part, parts)
    SELECT id, 'forget', 24, 0, 0, 0, 1, 20 FROM repositories WHERE deleted IS NULL;
INSERT INTO upkeep (repository, kind, every_hours, due, since, failures, part, parts)
    SELECT id, 'prune', 168, 0, 0, 0, 1, 20 FROM repositories WHERE deleted IS NULL;
INSERT INTO upkeep (repository, kind, every_hours, due, since, failures, part, parts)
    SELECT id, 'check', 720, 0, 0, 0, 1, 20 FROM repositories WHERE deleted IS NULL;
