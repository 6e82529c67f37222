"""Corollary 4.6: the trainings, the columns of their tables, and when one is at rest."""

REGULAR, DUPLICATE, STATIONARY = "regular", "conflicting duplicate", "stationary start"

COLUMNS = (
    "case", "scheme", "activation", "learning_rate", "batch_size", "samples", "parallel_pairs",
    "hidden_layers", "width", "seed", "step", "weight_change", "largest_change", "error_signal",
    "movement_per_error", "train_loss", "feature_min_eig", "feature_resolution",
)  # fmt: skip

# Training is at rest where a step, relative to ‖W‖, is this part of its largest one. Smaller steps
# than 1e-8 of it cannot be told from rounding where opposite errors cancel: their squares are
# differences of numbers of order one.
REST = 1e-6

# What tells runs apart; rates are rounded to as many decimals to be the same.
RUN = [*COLUMNS[:10]]
RATE_DECIMALS = {"learning_rate": 9}

# Of trainings at growing width.
WIDTHS_COLUMNS = (
    "scheme", "samples", "learning_rate", "width", "seed", "step", "weight_change",
    "largest_change", "error_signal", "train_loss", "feature_change", "feature_min_eig",
    "feature_resolution",
)  # fmt: skip

# Parts of the first error that the time to rest is told at. The last is where such a training ends:
# a step falls with the error, and what follows repeats it on a smaller scale.
FRACTIONS = (0.1, 0.01)
