-- Rights to use a repository, held or waited for; each goes with its job.
CREATE TABLE leases (
    job BYTEA NOT NULL PRIMARY KEY REFERENCES jobs (id) ON DELETE CASCADE,
    repository BYTEA NOT NULL,
    host BYTEA NOT NULL,
    kind TEXT NOT NULL,
    mode TEXT NOT NULL,
    state TEXT NOT NULL,
    expires BIGINT NOT NULL,
    lost BIGINT
);
CREATE INDEX leases_held ON leases (repository, job) WHERE state = 'held';
CREATE INDEX leases_waiting ON leases (repository, job) WHERE state <> 'held';
CREATE INDEX leases_queue ON leases (job) WHERE state <> 'held';
CREATE INDEX leases_fleet ON leases (job) WHERE state = 'waits-for-fleet';
CREATE INDEX leases_all_held ON leases (expires, job) WHERE state = 'held';
CREATE INDEX leases_host ON leases (host);

-- The duties of a repository. A moment of 0 was never planned.
CREATE TABLE upkeep (
    repository BYTEA NOT NULL REFERENCES repositories (id) ON DELETE CASCADE,
    kind TEXT COLLATE "C" NOT NULL,
    every_hours BIGINT,
    due BIGINT,
    since BIGINT NOT NULL,
    effective BIGINT,
    failures BIGINT NOT NULL,
    job BYTEA,
    last_job BYTEA,
    last_cause TEXT,
    part BIGINT NOT NULL,
    parts BIGINT NOT NULL,
    PRIMARY KEY (repository, kind)
);
CREATE INDEX upkeep_due ON upkeep (due, repository, kind) WHERE due IS NOT NULL;

ALTER TABLE repositories ADD COLUMN runner BYTEA;
ALTER TABLE repositories ADD COLUMN parallel BIGINT;
CREATE INDEX repositories_runner ON repositories (runner) WHERE runner IS NOT NULL;

INSERT INTO upkeep (repository, kind, every_hours, due, since, failures, part, parts)
    SELECT id, 'forget', 24, 0, 0, 0, 1, 20 FROM repositories WHERE deleted IS NULL;
INSERT INTO upkeep (repository, kind, every_hours, due, since, failures, part, parts)
    SELECT id, 'prune', 168, 0, 0, 0, 1, 20 FROM repositories WHERE deleted IS NULL;
INSERT INTO upkeep (repository, kind, every_hours, due, since, failures, part, parts)
    SELECT id, 'check', 720, 0, 0, 0, 1, 20 FROM repositories WHERE deleted IS NULL;
