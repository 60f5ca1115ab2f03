"""Backup and restore of all that must not be lost: one tar archive for both engines.

    manifest.json                   what is in it, with digests; the first member
    artifacts/sha256/DIGEST         every artifact that a version names
    tables/NAME.jsonl               every table: a line of column names, then one line per row

The tables are of one moment, whatever is written meanwhile. They say nothing of an engine, so a backup of a
SQLite file restores into PostgreSQL, and the other way round.
"""
