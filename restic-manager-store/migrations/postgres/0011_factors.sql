CREATE TABLE totp (
    user_id BYTEA NOT NULL PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    secret BYTEA NOT NULL,
    created BIGINT NOT NULL,
    last_step BIGINT NOT NULL,
    last_used BIGINT
);

CREATE TABLE recovery_codes (
    user_id BYTEA NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    code BYTEA NOT NULL,
    PRIMARY KEY (user_id, code)
);

CREATE TABLE passkeys (
    id BYTEA NOT NULL PRIMARY KEY,
    user_id BYTEA NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name TEXT COLLATE "C" NOT NULL,
    credential BYTEA NOT NULL UNIQUE,
    public_key BYTEA NOT NULL,
    counter BIGINT NOT NULL,
    created BIGINT NOT NULL,
    last_used BIGINT
);
CREATE INDEX passkeys_user ON passkeys (user_id, id);

-- What is good once and was used: kept until it would have expired anyway.
CREATE TABLE spent (
    what BYTEA NOT NULL PRIMARY KEY,
    expires BIGINT NOT NULL
);
CREATE INDEX spent_expires ON spent (expires);

CREATE TABLE api_tokens (
    id BYTEA NOT NULL PRIMARY KEY,
    user_id BYTEA NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name TEXT COLLATE "C" NOT NULL,
    token BYTEA NOT NULL UNIQUE,
    role TEXT COLLATE "C" NOT NULL,
    dangerous BOOLEAN NOT NULL,
    created BIGINT NOT NULL,
    expires BIGINT NOT NULL,
    last_used BIGINT,
    last_address TEXT COLLATE "C",
    revoked BIGINT
);
CREATE INDEX api_tokens_user ON api_tokens (user_id, id) WHERE revoked IS NULL;
CREATE INDEX api_tokens_live ON api_tokens (id) WHERE revoked IS NULL;
