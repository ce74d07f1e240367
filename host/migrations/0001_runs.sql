-- One row for each run; everything that a resume needs hangs on it.
CREATE TABLE runs (
    id       TEXT PRIMARY KEY,
    name     TEXT NOT NULL,
    begun    INTEGER NOT NULL,          -- order of beginning, for "the newest of that name"
    identity TEXT NOT NULL,             -- JSON: what a resume compares
    schedule TEXT NOT NULL,             -- JSON: segments, due origins, horizon
    progress TEXT NOT NULL DEFAULT '{}',-- JSON: counts up to the newest checkpoint
    outcome  TEXT                       -- null while unfinished
) STRICT;
CREATE INDEX runs_by_name ON runs (name, begun);

-- Where each stream can be taken up again.
CREATE TABLE restarts (
    run    TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    stream INTEGER NOT NULL,
    body   TEXT NOT NULL,
    PRIMARY KEY (run, stream)
) STRICT, WITHOUT ROWID;

-- The newest receipt of each sink.
CREATE TABLE receipts (
    run  TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    sink INTEGER NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (run, sink)
) STRICT, WITHOUT ROWID;
