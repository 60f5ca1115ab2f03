"""What a replica tells about itself, merged over its workers."""
