"""The columns of the rates' tables; all rates are per unit of the time η t."""

RUN = ("scheme", "samples", "learning_rate", "width", "seed")
# A row for each run.
RATES = (
    *RUN, "steps", "error_left", "window_start", "window_error", "late_rate", "first_half_rate",
    "second_half_rate", "least_mean_rate", "bound_rate", "late_bound_rate", "first_min_eig",
    "last_min_eig", "last_max_eig",
)  # fmt: skip
# A row for each step told of it.
IN_TIME = (
    *RUN, "step", "time", "train_loss", "error_left", "kernel_rate", "kernel_min_eig",
    "kernel_max_eig",
)  # fmt: skip
