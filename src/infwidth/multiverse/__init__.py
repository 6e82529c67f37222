"""Table 1 in many worlds: other choices that an experiment could have been made by."""
