"""Infinite-width feature learning: schemes, training, spectra and the paper's Table 1."""
