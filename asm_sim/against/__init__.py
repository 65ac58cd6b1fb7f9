"""A table of one's own among simulated cohorts: a practice's few, compared with those of a run.

Every draw of a scenario is a cohort with benchmarks, moments of its patients, a median and a
scaling factor of its own. The clinicians of a table are probes there: they are scored against that
fit and weigh nothing in it (42 CFR 512.725-512.750), so that few rows are enough, and what comes
out is a distribution. What a table does not say of a clinician is drawn from the simulated ones.
"""
