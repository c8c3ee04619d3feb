-- Signed marks in the audit log, and its lists by time.
CREATE TABLE audit_checkpoints (
    sequence BIGINT NOT NULL PRIMARY KEY,
    hash BYTEA NOT NULL,
    moment BIGINT NOT NULL,
    signer BYTEA NOT NULL,
    signature BYTEA NOT NULL
);

DROP INDEX audit_action;
DROP INDEX audit_actor;
DROP INDEX audit_subject;
CREATE INDEX audit_moment ON audit (moment, sequence);
CREATE INDEX audit_action ON audit (action, moment, sequence);
CREATE INDEX audit_outcome ON audit (outcome, moment, sequence);
CREATE INDEX audit_actor ON audit (actor_id, moment, sequence) WHERE actor_id IS NOT NULL;
CREATE INDEX audit_subject ON audit (subject_kind, subject_id, moment, sequence) WHERE subject_id IS NOT NULL;
