"""What measuring, judging and drawing generalisation go by."""

LIMITS = (
    "scheme", "loss", "kind", "learning_rate", "seed", "train_loss", "train_accuracy", "test_loss",
    "test_accuracy",
)  # fmt: skip
SIGNAL = (
    "scheme", "loss", "width", "learning_rate", "seed", "step", "directions", "variance", "signal",
    "accuracy", "classes",
)  # fmt: skip
# Kinds of kernel limits: SGD over the trainings' steps, from a draw of the Gaussian process of
# initial outputs and from 0; regression, with the tangent kernel and with that of the process.
FROM_PROCESS, FROM_ZERO = "process", "zero"
TANGENT_REGRESSION, PROCESS_REGRESSION = "tangent regression", "process regression"
# Training and test images together that kernels are computed of: half a GB each.
MOST_IMAGES = 8000
# Images of either set whose features are looked at.
PROBED = 1000
