-- How often an instance's end was put off. Before, it stood among the settings.

ALTER TABLE instances ADD COLUMN extensions INTEGER NOT NULL DEFAULT 0 CHECK (extensions >= 0);

UPDATE instances SET extensions = coalesce((SELECT max(0, CAST(value AS INTEGER)) FROM settings WHERE key = 'extensions of ' || id), 0);
DELETE FROM settings WHERE key LIKE 'extensions of %';
