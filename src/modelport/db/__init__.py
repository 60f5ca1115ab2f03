"""Where the control plane keeps what it knows: SQLite or PostgreSQL by URL, over SQLAlchemy Core."""
