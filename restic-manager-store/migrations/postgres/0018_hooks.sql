-- Scripts around backups; a row belongs to the host or the source group of that id, as its kind says.
CREATE TABLE hooks (
    kind TEXT COLLATE "C" NOT NULL,
    owner BYTEA NOT NULL,
    sealed BYTEA NOT NULL,
    set_at BIGINT NOT NULL,
    set_by BYTEA,
    version BIGINT NOT NULL,
    PRIMARY KEY (kind, owner)
);
