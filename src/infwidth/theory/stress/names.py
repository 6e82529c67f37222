"""Theorem 4.5 under stress: what tells the settings apart, in every table of theirs."""

SAMPLES, STEPS, RATES = "samples", "steps", "rates"
# A setting's number within its strain, and the strain.
SETTING = ["strain", "setting"]
