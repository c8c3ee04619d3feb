-- API tokens whose end is near are told of.
CREATE INDEX api_tokens_expires ON api_tokens (expires, id) WHERE revoked IS NULL;
