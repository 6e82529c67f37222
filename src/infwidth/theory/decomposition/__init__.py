"""The parts of a pre-activation: Gaussian, Onsager and learned."""

from infwidth.theory.statement import Statement

STATEMENT = Statement(
    title="The parts of the pre-activations",
    tables=("decomposition",),
    made_by="covariance",
)
