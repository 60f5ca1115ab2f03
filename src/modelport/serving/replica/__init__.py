"""The supervisor's side of a replica: its processes, its sockets, and what it tells its workers."""
