-- kedit store, schema 2: branches that can be checked out and merged.

-- Which side of a weight's matrix the keys lie on: 'in-out' is [in, out] (y = x W), 'out-in' the
-- usual one. Empty: not told yet. Until schema 1 only GPT-2 stored [in, out].
ALTER TABLE models ADD COLUMN orientation TEXT NOT NULL DEFAULT ''
  CHECK (orientation IN ('', 'in-out', 'out-in'));
UPDATE models SET orientation = CASE family WHEN 'gpt2' THEN 'in-out' ELSE 'out-in' END;

CREATE TABLE current_branch (
  only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
  branch   INTEGER NOT NULL REFERENCES branches (id)
) STRICT;
INSERT INTO current_branch (only_row, branch) SELECT 1, min(id) FROM branches;

-- The other side of a merge commit: the branch by the name it had, and its head.
CREATE TABLE merges (
  commit_id TEXT NOT NULL PRIMARY KEY REFERENCES commits (id),
  branch    TEXT NOT NULL,
  head      TEXT NOT NULL REFERENCES commits (id)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER merges_are_immutable BEFORE UPDATE ON merges
BEGIN SELECT RAISE(ABORT, 'merges are immutable'); END;
