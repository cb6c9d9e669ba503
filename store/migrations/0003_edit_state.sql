-- What an editor needs again when it edits on top of an edit (AlphaEdit: the keys of its layers). It
-- is part of the edit: kept, reverted and collected with it.
CREATE TABLE edit_state (
  edit     TEXT NOT NULL REFERENCES edits (id),
  position INTEGER NOT NULL CHECK (position >= 0),
  name     TEXT NOT NULL,
  dtype    TEXT NOT NULL,
  row_count    INTEGER NOT NULL CHECK (row_count > 0),
  column_count INTEGER NOT NULL CHECK (column_count > 0),
  sha256   TEXT NOT NULL CHECK (length(sha256) = 64),
  tensor   BLOB NOT NULL,
  PRIMARY KEY (edit, position)
) STRICT;

CREATE TRIGGER edit_state_is_immutable BEFORE UPDATE ON edit_state
BEGIN SELECT RAISE(ABORT, 'edits are immutable'); END;
