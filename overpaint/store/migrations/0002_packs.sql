-- Where the input pictures lie: small ones here, made durable by the submit's own commit; the others in a pack.

CREATE TABLE input (
    name   TEXT NOT NULL PRIMARY KEY,
    pack   TEXT,
    at     INTEGER,                     -- bytes from the pack's start
    length INTEGER NOT NULL,
    bytes  BLOB,                        -- last, so that nobody reads it on the way to another column
    CHECK ((pack IS NULL) = (bytes IS NOT NULL) AND (pack IS NULL) = (at IS NULL))
) STRICT;

INSERT INTO input (name, length, bytes) SELECT name, length(bytes), bytes FROM small_input;

DROP TABLE small_input;
