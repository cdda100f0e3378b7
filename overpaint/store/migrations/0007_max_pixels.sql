-- How large a picture a worker's device has room to make.

ALTER TABLE worker ADD COLUMN max_pixels INTEGER;
