"""What measuring, judging and drawing generalisation go by."""

# Kinds of kernel limits: SGD over the trainings' steps, from a draw of the Gaussian process of
# initial outputs and from 0; regression, with the tangent kernel and with that of the process.
FROM_PROCESS, FROM_ZERO = "process", "zero"
TANGENT_REGRESSION, PROCESS_REGRESSION = "tangent regression", "process regression"
# Training and test images together of which the kernels are computed: half a GB each.
MOST_IMAGES = 8000
# Images of either set whose features are looked at.
PROBED = 1000


def leading(classes: int) -> int:
    """So many directions tell the classes apart, at least.

    >>> leading(10)
    9
    """
    return classes - 1
