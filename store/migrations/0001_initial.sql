-- kedit store, schema 1. A released step is never edited: what changes later is a new numbered file.
-- store/schema.md explains every table; the two are changed together.

CREATE TABLE models (
  fingerprint TEXT NOT NULL PRIMARY KEY CHECK (length(fingerprint) > 0),
  family      TEXT NOT NULL,
  path        TEXT NOT NULL,
  dtype       TEXT NOT NULL,
  parameters  INTEGER NOT NULL CHECK (parameters >= 0),
  first_seen  TEXT NOT NULL
) STRICT;

CREATE TABLE runs (
  sequence INTEGER PRIMARY KEY,
  id       TEXT NOT NULL UNIQUE CHECK (length(id) = 12 AND id NOT GLOB '*[^0-9a-f]*'),
  name     TEXT NOT NULL,
  config   TEXT NOT NULL,
  header   TEXT NOT NULL,
  state    TEXT NOT NULL CHECK (state IN ('running', 'done', 'interrupted')),
  started  TEXT NOT NULL,
  finished TEXT,
  total    INTEGER NOT NULL CHECK (total >= 0),
  program  TEXT NOT NULL
) STRICT;

-- What an editor found: immutable. An edit hangs on the previous edit of the branch that it was made
-- on, or belongs to a benchmark run and to no branch.
CREATE TABLE edits (
  sequence           INTEGER PRIMARY KEY,
  id                 TEXT NOT NULL UNIQUE CHECK (length(id) = 12 AND id NOT GLOB '*[^0-9a-f]*'),
  content_sha256     TEXT NOT NULL CHECK (length(content_sha256) = 64),
  parent             TEXT REFERENCES edits (id),
  run                TEXT REFERENCES runs (id),
  model              TEXT NOT NULL REFERENCES models (fingerprint),
  kind               TEXT NOT NULL CHECK (kind IN ('weights', 'facts')),
  editor             TEXT NOT NULL,
  settings           TEXT NOT NULL,
  diagnostics        TEXT NOT NULL,
  diagnostics_sha256 TEXT NOT NULL CHECK (length(diagnostics_sha256) = 64),
  forced             INTEGER NOT NULL CHECK (forced IN (0, 1)),
  created            TEXT NOT NULL,
  program            TEXT NOT NULL,
  CHECK (parent IS NULL OR run IS NULL)
) STRICT;
CREATE INDEX edits_of_run ON edits (run) WHERE run IS NOT NULL;

CREATE TABLE edit_updates (
  edit     TEXT NOT NULL REFERENCES edits (id),
  position INTEGER NOT NULL CHECK (position >= 0),
  weight   TEXT NOT NULL,
  kind     TEXT NOT NULL CHECK (kind IN ('low-rank', 'dense')),
  dtype    TEXT NOT NULL,
  row_count    INTEGER NOT NULL CHECK (row_count > 0),
  column_count INTEGER NOT NULL CHECK (column_count > 0),
  matrix_rank  INTEGER NOT NULL CHECK (matrix_rank > 0),
  sha256   TEXT NOT NULL CHECK (length(sha256) = 64),
  factors  BLOB NOT NULL,
  PRIMARY KEY (edit, position)
) STRICT;

CREATE TABLE requests (
  edit       TEXT NOT NULL REFERENCES edits (id),
  position   INTEGER NOT NULL CHECK (position >= 0),
  request_id TEXT,
  subject    TEXT NOT NULL,
  prompt     TEXT NOT NULL,
  target_new TEXT NOT NULL,
  body       TEXT,
  PRIMARY KEY (edit, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE facts (
  edit     TEXT NOT NULL REFERENCES edits (id),
  position INTEGER NOT NULL CHECK (position >= 0),
  subject  TEXT NOT NULL,
  relation TEXT NOT NULL,
  object   TEXT NOT NULL,
  sentence TEXT NOT NULL,
  PRIMARY KEY (edit, position)
) STRICT, WITHOUT ROWID;

-- A commit applies or reverts an edit. `kind` has no list of allowed words here: a later one (merge)
-- then needs no rebuild of the table; `kedit store verify` knows the words.
CREATE TABLE commits (
  sequence INTEGER PRIMARY KEY,
  id       TEXT NOT NULL UNIQUE CHECK (length(id) = 12 AND id NOT GLOB '*[^0-9a-f]*'),
  kind     TEXT NOT NULL,
  parent   TEXT REFERENCES commits (id),
  edit     TEXT REFERENCES edits (id),
  time     TEXT NOT NULL,
  note     TEXT NOT NULL,
  program  TEXT NOT NULL,
  CHECK (kind NOT IN ('apply', 'revert') OR edit IS NOT NULL)
) STRICT;
CREATE INDEX commits_of_edit ON commits (edit);

CREATE TABLE branches (
  id      INTEGER PRIMARY KEY,
  name    TEXT NOT NULL UNIQUE CHECK (length(name) > 0),
  head    TEXT REFERENCES commits (id),
  created TEXT NOT NULL
) STRICT;

INSERT INTO branches (name, created) VALUES ('main', strftime('%Y-%m-%dT%H:%M:%SZ', 'now'));

-- A branch is an ordered list of commits; several branches may list the same commit.
CREATE TABLE branch_commits (
  branch    INTEGER NOT NULL REFERENCES branches (id),
  position  INTEGER NOT NULL CHECK (position >= 1),
  commit_id TEXT NOT NULL REFERENCES commits (id),
  PRIMARY KEY (branch, position),
  UNIQUE (branch, commit_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE results (
  run     TEXT NOT NULL REFERENCES runs (id),
  system  TEXT NOT NULL,
  case_id INTEGER NOT NULL,
  payload TEXT NOT NULL,
  sha256  TEXT NOT NULL CHECK (length(sha256) = 64),
  PRIMARY KEY (run, system, case_id)
) STRICT;

CREATE TRIGGER edits_are_immutable BEFORE UPDATE ON edits
BEGIN SELECT RAISE(ABORT, 'edits are immutable'); END;
CREATE TRIGGER edit_updates_are_immutable BEFORE UPDATE ON edit_updates
BEGIN SELECT RAISE(ABORT, 'edits are immutable'); END;
CREATE TRIGGER requests_are_immutable BEFORE UPDATE ON requests
BEGIN SELECT RAISE(ABORT, 'edits are immutable'); END;
CREATE TRIGGER facts_are_immutable BEFORE UPDATE ON facts
BEGIN SELECT RAISE(ABORT, 'edits are immutable'); END;
CREATE TRIGGER commits_are_immutable BEFORE UPDATE ON commits
BEGIN SELECT RAISE(ABORT, 'commits are immutable'); END;
