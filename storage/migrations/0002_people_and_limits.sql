-- Who was let in or shut out by an administrator, and personal limits; NULL: as for everybody.
CREATE TABLE people (
    platform TEXT NOT NULL,
    user     TEXT NOT NULL,
    standing TEXT,
    quota    INTEGER,
    PRIMARY KEY (platform, user)
) WITHOUT ROWID;

-- How many photos each person sent on a day (UTC, such as 2026-11-23); kept until the day is over.
CREATE TABLE photos_of_day (
    platform TEXT NOT NULL,
    user     TEXT NOT NULL,
    day      TEXT NOT NULL,
    photos   INTEGER NOT NULL,
    PRIMARY KEY (platform, user, day)
) WITHOUT ROWID;

CREATE INDEX jobs_by_person ON jobs (platform, user);

-- Which message brought the photo: a platform that repeats a message after a restart does not bring it twice.
ALTER TABLE photos ADD COLUMN origin TEXT;

CREATE UNIQUE INDEX photos_by_origin ON photos (origin);

-- Written before a cartoon is sent: how its front end finds out later whether it arrived.
ALTER TABLE photos ADD COLUMN trace TEXT;

DROP INDEX photos_unanswered;

-- What startup looks for: everything that is not closed.
CREATE INDEX photos_open ON photos (job_id) WHERE status NOT IN ('answered', 'cancelled');
