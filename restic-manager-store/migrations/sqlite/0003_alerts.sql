-- What needs somebody. Of each kind and subject one at most is not resolved.
CREATE TABLE alerts (
    id BLOB NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    severity TEXT NOT NULL,
    state TEXT NOT NULL,
    subject_kind TEXT NOT NULL,
    subject_id TEXT NOT NULL,
    subject_name TEXT NOT NULL,
    summary TEXT NOT NULL,
    detail TEXT NOT NULL,
    count INTEGER NOT NULL,
    first_seen INTEGER NOT NULL,
    last_seen INTEGER NOT NULL,
    acknowledged INTEGER,
    acknowledged_by BLOB,
    resolved INTEGER,
    resolved_by BLOB
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX alerts_lasting ON alerts (kind, subject_kind, subject_id) WHERE resolved IS NULL;
CREATE INDEX alerts_state ON alerts (state, id);
CREATE INDEX alerts_state_severity ON alerts (state, severity, id);
CREATE INDEX alerts_state_kind ON alerts (state, kind, id);
CREATE INDEX alerts_severity ON alerts (severity, id);
CREATE INDEX alerts_kind ON alerts (kind, id);
CREATE INDEX alerts_resolved ON alerts (resolved, id) WHERE resolved IS NOT NULL;
