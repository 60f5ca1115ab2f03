"""Where bytes live, addressed by their digest: a local folder, or an object store by URL."""
