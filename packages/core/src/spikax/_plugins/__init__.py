"""The plugin host: records, hooks, the registry and the table of official packs."""
