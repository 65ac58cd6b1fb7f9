"""The report of a run or a sweep: one page for whoever did not make it."""
