"""How large a learning rate may be: the edge of stability of the linear equation."""

import numpy as np

from infwidth.datasets.prepare import PreparedDataset
from infwidth.recipe import Recipe
from infwidth.schemes import SCHEMES
from infwidth.theory.linearised.measure import initial_tangent_kernel


def edge_of_stability(data: PreparedDataset, recipe: Recipe) -> float:
    """The rate beyond which the linear equation of the squared error diverges, 2 N η / λ_max(Θ).

    Θ is NTP's tangent kernel at initialisation, which is µP's too and the same at every width. In
    full batch a step multiplies the error along an eigenvector by 1 - λ/N, so that at half of the
    edge the steepest direction is gone in one step.

    Args:
        data: N training inputs.
        recipe: whose activation, depth and initial weights are meant; its rate does not matter.
    """
    kernel = initial_tangent_kernel(data, SCHEMES["NTP"], 1, recipe)
    steepest = float(np.linalg.eigvalsh(kernel)[-1]) / len(kernel)
    return 2 * recipe.learning_rate / steepest
