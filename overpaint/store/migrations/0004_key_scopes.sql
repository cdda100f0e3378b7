-- What a key may do, how long, and when it was last used.

ALTER TABLE api_key ADD COLUMN scopes TEXT NOT NULL DEFAULT 'metrics read submit';  -- what every key could do so far
ALTER TABLE api_key ADD COLUMN expires_at INTEGER;
ALTER TABLE api_key ADD COLUMN used_at INTEGER;         -- within a minute
