-- People's settings, by platform and user.
CREATE TABLE user_settings (
    platform TEXT NOT NULL,
    user     TEXT NOT NULL,
    style    TEXT NOT NULL,
    strength REAL NOT NULL,
    size     INTEGER NOT NULL,
    format   TEXT NOT NULL,
    faces    TEXT NOT NULL,
    PRIMARY KEY (platform, user)
) WITHOUT ROWID;

-- One request: who, where the answer goes, in what language and look.
CREATE TABLE jobs (
    id         TEXT PRIMARY KEY,
    platform   TEXT NOT NULL,
    user       TEXT NOT NULL,
    chat       TEXT NOT NULL,
    thread     TEXT,
    message    TEXT,
    language   TEXT NOT NULL,
    style      TEXT NOT NULL,
    strength   REAL NOT NULL,
    size       INTEGER NOT NULL,
    format     TEXT NOT NULL,
    faces      TEXT NOT NULL,
    created_at REAL NOT NULL
);

-- Its photos. `place` sorts them in the order sent; the bytes are in the spool under the id.
CREATE TABLE photos (
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    job_id         TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    place          INTEGER NOT NULL,
    name           TEXT NOT NULL,
    reference      TEXT NOT NULL,
    status         TEXT NOT NULL,
    failure_code   TEXT,
    failure_values TEXT,
    attempts       INTEGER NOT NULL DEFAULT 0
);

CREATE INDEX photos_by_job ON photos (job_id, place);

-- What startup looks for: everything that is not answered.
CREATE INDEX photos_unanswered ON photos (job_id) WHERE status <> 'answered';
