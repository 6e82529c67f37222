"""Assumption 4.3: which activations are GOOD.

φ is GOOD if

 (a) φ'' exists everywhere, and φ' and φ'' are bounded;
 (b) Σ a_i φ(b_i x + c_i) is not constant, for non-zero a_i and non-zero, distinct |b_i|;
 (c) (r1 + φ)(r2 + φ') is not constant almost everywhere, for any r1 and r2.
"""

import math
from collections.abc import Mapping
from types import MappingProxyType

import pandas as pd

from infwidth.theory.activations.bounds import supremum, twice_differentiable
from infwidth.theory.activations.conditions import (
    constant_product,
    constant_sums,
    equal_frequencies,
)
from infwidth.theory.activations.function import Function
from infwidth.theory.activations.names import PAPER, WORDS, Answer
from infwidth.theory.measuring import Files, Settings, Tables

# The package's own under their names there; the last four for comparison.
FORMULAS: Mapping[str, str] = MappingProxyType(
    {
        "tanh": "tanh(x)",
        "sigmoid": "1/(1 + exp(-x))",
        "silu": "x/(1 + exp(-x))",
        "erf": "erf(x)",
        "gelu": "x*(1 + erf(x/sqrt(2)))/2",
        "relu": "Max(x, 0)",
        "softplus": "log(1 + exp(x))",
        "sin": "sin(x)",
        "leaky_relu": "Max(x, x/100)",
        "linear": "x",
    }
)

COLUMNS = (
    "activation",
    "formula",
    "twice_differentiable",
    "sup_derivative",
    "sup_second_derivative",
    "bounds_method",
    "draws",
    "sums_independent",
    "sums_margin",
    "sums_counterexample",
    "equal_frequencies_identity",
    "product_nonconstant",
    "product_margin",
    "product_counterexample",
    "good",
    "paper",
    "reason",
)


def good_table(formulas: Mapping[str, str] = FORMULAS) -> pd.DataFrame:
    """Check each activation for being GOOD.

    Args:
        formulas: formulas of φ in x, in sympy's words, by name.

    Returns:
        A row each, with columns `COLUMNS`. Answers are "yes", "no" or "undetermined"; suprema are
        ∞ where there is none, and leave out points where the derivative does not exist;
        `bounds_method` tells how boundedness was decided; `draws` is the number of (b, c) tried, up
        to a counterexample; margins are σ_min / β; `equal_frequencies_identity` is a constant sum
        with some equal |b_i|, which (b) does not forbid; `paper` is what the paper says; `reason`
        is what decides against φ, or that nothing does.

    Raises:
        ValueError: a formula is not a real function that is smooth but for finitely many points.
    """
    rows = [_row(name, formula) for name, formula in formulas.items()]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _row(name: str, formula: str) -> dict[str, object]:
    function = Function.parse(formula)
    slope = function.derivative()
    smooth, where = twice_differentiable(function)
    (first, method), (second, second_method) = supremum(slope), supremum(slope.derivative())
    sums, product = constant_sums(function), constant_product(function)
    bounded: Answer = "yes" if math.isfinite(first) and math.isfinite(second) else "no"
    answers = (smooth, bounded, sums.independent, product.nonconstant)
    good: Answer = (
        "no" if "no" in answers else "undetermined" if "undetermined" in answers else "yes"
    )
    against = [
        where,
        "" if math.isfinite(first) else "φ′ is unbounded",
        "" if math.isfinite(second) else "φ″ is unbounded",
        sums.counterexample,
        product.counterexample,
    ]
    return {
        "activation": name,
        "formula": formula,
        "twice_differentiable": smooth,
        "sup_derivative": first,
        "sup_second_derivative": second,
        "bounds_method": method if method == second_method else f"{method}; φ″: {second_method}",
        "draws": sums.draws,
        "sums_independent": sums.independent,
        "sums_margin": sums.margin,
        "sums_counterexample": sums.counterexample,
        "equal_frequencies_identity": equal_frequencies(function),
        "product_nonconstant": product.nonconstant,
        "product_margin": product.margin,
        "product_counterexample": product.counterexample,
        "good": good,
        "paper": WORDS[PAPER[name]] if name in PAPER else "",
        "reason": "; ".join(filter(None, against)) or "nothing against it found",
    }


def measured(files: Files, settings: Settings) -> Tables:
    """The table of the statement, which depends on nothing."""
    return {"activations": good_table()}
