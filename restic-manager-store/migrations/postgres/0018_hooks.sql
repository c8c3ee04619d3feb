-- Scripts around backups; a row belongs to the host or the source group of that id.
CREATE TABLE hooks (
    owner BYTEA NOT NULL PRIMARY KEY,
    sealed BYTEA NOT NULL,
    set_at BIGINT NOT NULL,
    set_by BYTEA,
    version BIGINT NOT NULL
);
