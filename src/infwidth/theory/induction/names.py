"""The induction: the steps of the proof, and what is broken on purpose."""

# The steps of the proof, in the order in which they are gone through at a training step: the first
# three forward, layer by layer; then the last two from the last layer back.
GAUSSIAN, PREACTIVATIONS, FEATURES = "Gaussian parts of W_0 δx", "pre-activations h", "features x"
SIGNALS, GAUSSIAN_BACKWARD = "signals dh", "Gaussian parts of W_0ᵀ dh"
STEPS = (GAUSSIAN, PREACTIVATIONS, FEATURES, SIGNALS, GAUSSIAN_BACKWARD)

REGULAR = "regular"
DUPLICATE, NEGATED = "duplicate input", "negated input"
CONSTANT_SUM = "constant sum, two negated pairs"
LINEAR, LINEAR_ONE_LABEL = "linear activation, distinct labels", "linear activation, one label"
ONE_LABEL = "one label"

# What an innovation is tested for.
INDEPENDENCE, GAUSSIANITY = "independence", "Gaussianity"
