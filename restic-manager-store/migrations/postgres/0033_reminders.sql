-- When an open alert that nobody took on is told again: a day after it opened, and each day.
ALTER TABLE alerts ADD COLUMN remind BIGINT;
UPDATE alerts SET remind = first_seen + 86400000 WHERE state = 'open';
UPDATE alerts SET due = remind
    WHERE state = 'open' AND cause IS NULL AND settles IS NULL AND (due IS NULL OR due > remind);
