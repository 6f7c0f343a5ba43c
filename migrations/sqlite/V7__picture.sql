-- How large an instance's picture was chosen to be, as JSON; NULL is as it was launched. Before, it stood among the settings.

ALTER TABLE instances ADD COLUMN picture TEXT CHECK (picture IS NULL OR json_valid(picture));

UPDATE instances SET picture = (SELECT value FROM settings WHERE key = 'picture of ' || id AND json_valid(value));
DELETE FROM settings WHERE key LIKE 'picture of %';
