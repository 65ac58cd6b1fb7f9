"""Which of the things that nobody knows matters? Runs of a scenario with each of them moved."""
