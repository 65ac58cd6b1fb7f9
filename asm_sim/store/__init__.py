"""Runs and sweeps kept in a folder or an object store that survives a kill."""
