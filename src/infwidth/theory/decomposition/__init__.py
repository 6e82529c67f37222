"""The parts of a pre-activation: Gaussian, Onsager and learned."""

from infwidth.theory.statement import Statement

STATEMENT = Statement(
    title="The pre-activations in their parts",
    tables=("decomposition",),
    made_by="covariance",
)
