-- Which snapshots of a source group are kept, and what was chosen for a job: JSON text each, `{}` for nothing.
ALTER TABLE source_groups ADD COLUMN retention TEXT NOT NULL DEFAULT '{}';
ALTER TABLE jobs ADD COLUMN options TEXT NOT NULL DEFAULT '{}';
CREATE INDEX source_groups_thinned ON source_groups (repository, id) WHERE retention <> '{}';
