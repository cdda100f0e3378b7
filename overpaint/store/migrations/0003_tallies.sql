-- What is counted for /metrics: it outlives the processes that count. And where each task came from.

CREATE TABLE tally (
    name   TEXT NOT NULL,
    labels TEXT NOT NULL,               -- JSON list of values
    bucket REAL NOT NULL,               -- a histogram's upper bound, else infinite
    times  INTEGER NOT NULL,            -- how often it was seen
    total  REAL NOT NULL,               -- of the values in this bucket
    PRIMARY KEY (name, labels, bucket)
) STRICT, WITHOUT ROWID;

ALTER TABLE task ADD COLUMN origin TEXT NOT NULL DEFAULT '{}';  -- JSON of domain.Origin
