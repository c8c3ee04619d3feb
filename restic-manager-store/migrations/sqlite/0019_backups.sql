-- How fast restic may be.
ALTER TABLE hosts ADD COLUMN bandwidth TEXT NOT NULL DEFAULT '{}';
ALTER TABLE schedules ADD COLUMN bandwidth TEXT NOT NULL DEFAULT '{}';

-- The name that restic records stays what it was when the host enrolled.
ALTER TABLE hosts ADD COLUMN restic_name TEXT NOT NULL DEFAULT '';
UPDATE hosts SET restic_name = name;
CREATE UNIQUE INDEX hosts_restic_name ON hosts (restic_name) WHERE deleted IS NULL;

-- What else shapes a backup, and the command whose output is backed up.
UPDATE source_groups SET options = '{}' WHERE options = 'null';
ALTER TABLE source_groups ADD COLUMN command TEXT;
