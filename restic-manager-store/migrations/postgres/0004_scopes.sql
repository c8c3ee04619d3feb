-- For which part of the fleet a person's role is. Whoever was there before has it for all of it.
ALTER TABLE users ADD COLUMN scope TEXT NOT NULL DEFAULT '{"kind":"all"}';

-- The tags of invitations, for filters; enrolments.tags keeps the order.
CREATE TABLE enrolment_tags (
    tag TEXT COLLATE "C" NOT NULL,
    enrolment BYTEA NOT NULL REFERENCES enrolments (id) ON DELETE CASCADE,
    PRIMARY KEY (tag, enrolment)
);
CREATE INDEX enrolment_tags_enrolment ON enrolment_tags (enrolment);

INSERT INTO enrolment_tags (tag, enrolment)
SELECT DISTINCT tag.value, enrolments.id FROM enrolments, jsonb_array_elements_text(enrolments.tags::jsonb) AS tag (value);
