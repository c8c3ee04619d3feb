-- A session that is open now was proved when it began.
ALTER TABLE sessions ADD COLUMN proved INTEGER NOT NULL DEFAULT 0;
UPDATE sessions SET proved = created;
