CREATE TABLE totp (
    user_id BLOB NOT NULL PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    secret BLOB NOT NULL,
    created INTEGER NOT NULL,
    last_step INTEGER NOT NULL,
    last_used INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE recovery_codes (
    user_id BLOB NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    code BLOB NOT NULL,
    PRIMARY KEY (user_id, code)
) STRICT, WITHOUT ROWID;

CREATE TABLE passkeys (
    id BLOB NOT NULL PRIMARY KEY,
    user_id BLOB NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    credential BLOB NOT NULL UNIQUE,
    public_key BLOB NOT NULL,
    counter INTEGER NOT NULL,
    created INTEGER NOT NULL,
    last_used INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX passkeys_user ON passkeys (user_id, id);

-- What is good once and was used: kept until it would have expired anyway.
CREATE TABLE spent (
    what BLOB NOT NULL PRIMARY KEY,
    expires INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX spent_expires ON spent (expires);

CREATE TABLE api_tokens (
    id BLOB NOT NULL PRIMARY KEY,
    user_id BLOB NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    token BLOB NOT NULL UNIQUE,
    role TEXT NOT NULL,
    dangerous INTEGER NOT NULL,
    created INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    last_used INTEGER,
    last_address TEXT,
    revoked INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX api_tokens_user ON api_tokens (user_id, id) WHERE revoked IS NULL;
CREATE INDEX api_tokens_live ON api_tokens (id) WHERE revoked IS NULL;
