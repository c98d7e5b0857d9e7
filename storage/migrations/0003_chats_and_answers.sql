-- How results are sent, and a language other than that of the person's app.
ALTER TABLE user_settings ADD COLUMN delivery TEXT NOT NULL DEFAULT 'auto';

ALTER TABLE user_settings ADD COLUMN language TEXT;

-- Several drawings on one sheet; NULL: each by itself.
ALTER TABLE jobs ADD COLUMN sheet TEXT;

ALTER TABLE jobs ADD COLUMN delivery TEXT NOT NULL DEFAULT 'auto';

-- Whether somebody asked for it; photos of groups where all are drawn nobody asked for.
ALTER TABLE jobs ADD COLUMN asked INTEGER NOT NULL DEFAULT 1;

-- The message that tells how far the job has come, as long as it is there.
ALTER TABLE jobs ADD COLUMN progress TEXT;

CREATE INDEX jobs_by_chat ON jobs (platform, chat);

CREATE INDEX jobs_in_progress ON jobs (platform) WHERE progress IS NOT NULL;

-- The message that the cartoon is in.
ALTER TABLE photos ADD COLUMN answer TEXT;

-- Groups in which every photo is drawn.
CREATE TABLE auto_chats (
    platform TEXT NOT NULL,
    chat     TEXT NOT NULL,
    PRIMARY KEY (platform, chat)
) WITHOUT ROWID;
