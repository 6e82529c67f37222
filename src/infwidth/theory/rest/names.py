"""Corollary 4.6: the trainings, the columns of their table, and when one is at rest."""

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
