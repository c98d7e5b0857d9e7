-- What was said in the chats of the web app; `said` is JSON. Pages that are opened again show it.
CREATE TABLE web_messages (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    user       TEXT NOT NULL,
    said       TEXT NOT NULL,
    trace      TEXT,
    created_at REAL NOT NULL
);

CREATE INDEX web_messages_by_user ON web_messages (user);
