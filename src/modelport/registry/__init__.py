"""Models, versions, aliases: what there is, where it comes from, what an alias demands, what may go."""
