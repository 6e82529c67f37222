"""Learning-rate transfer: columns of the tables, and what becomes of a training at a rate."""

COLUMNS = (
    "scheme", "loss", "width", "learning_rate", "seed", "diverged", "train_loss", "train_accuracy",
    "test_loss", "test_accuracy", "feature_change", "retention", "untrained_loss",
)  # fmt: skip

# Of a training: what a quotient of losses is taken of, and what optima are found among.
TRAININGS = ["scheme", "loss", "width"]

# As in the configuration -> in words.
LOSSES = {"mse": "squared error", "cross_entropy": "cross-entropy"}

# Where the least loss lies: with higher and lower stable rates around it; at the highest stable
# rate; nowhere, since the losses around it are not convex in log η; or no rate trains at all.
INSIDE, EDGE, FLAT, UNMOVED = "inside", "edge", "flat", "unmoved"

# A training whose loss ends further than this part from the untrained one has moved: below, it has
# learned, above, it is unstable. Ours.
MOVED = 0.01
# Losses under this part of the untrained one are as good as zero, and not told apart. Ours.
FITTED = 1e-6

# All of its layers have one rate, η/n: it is SP without its 1/n that η/n is an η of.
ONE_RATE = "SP"
