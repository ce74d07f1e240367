-- What the server runs, or ran: one row for each emulation that was asked for.
CREATE TABLE emulations (
    id        TEXT PRIMARY KEY,         -- ascending by creation
    run       TEXT NOT NULL UNIQUE,
    scenario  TEXT,                     -- what emulations of one request share
    name      TEXT NOT NULL,
    generator TEXT NOT NULL,            -- name@version
    component TEXT NOT NULL,            -- SHA-256, in hex: what it goes on with, whatever is uploaded
    spec      TEXT NOT NULL,            -- JSON, as asked for, with its seed; it can hold no secrets
    state     TEXT NOT NULL,            -- starting, running, paused, stopping; else how it ended
    revision  INTEGER NOT NULL DEFAULT 1,
    created   TEXT NOT NULL,            -- RFC 3339
    error     TEXT,
    report    TEXT,                     -- JSON, once it is over
    manifest  TEXT                      -- JSON, once it is over
) STRICT;
CREATE INDEX emulations_by_state ON emulations (state, id);

-- What was answered to a request that may come again.
CREATE TABLE answers (
    key     TEXT PRIMARY KEY,
    request TEXT NOT NULL,              -- SHA-256 of what was asked for, in hex
    answer  TEXT NOT NULL,              -- JSON: the ids of what it made
    created TEXT NOT NULL
) STRICT;

-- Who changed what, and when.
CREATE TABLE audit (
    id     INTEGER PRIMARY KEY,
    at     TEXT NOT NULL,               -- RFC 3339
    who    TEXT NOT NULL,
    what   TEXT NOT NULL,
    target TEXT NOT NULL
) STRICT;
