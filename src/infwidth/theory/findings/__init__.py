"""What the tables come to, a module a table; all findings together are findings.csv.

Nothing here may import PyTorch or sympy, so that judging and drawing stay quick; and nothing that
computes a table may import from here, so that no table depends on how it is judged.
"""

from collections.abc import Mapping
from dataclasses import asdict

import pandas as pd

from infwidth.theory.findings import (
    activations,
    covariance,
    decomposition,
    independence,
    inputs,
    kernels,
    limits,
    linearised,
    rest,
)

# The tables that findings are read from, in the order of the argument.
SOURCES = (
    "separation",
    "violations",
    "activations",
    "kernels",
    "independence",
    "linearised",
    "covariance",
    "decomposition",
    "rest",
    "limits",
)


def findings_table(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """One row per statement: source, statement, verdict, evidence.

    Args:
        tables: the theory's CSV files, by name.
    """
    found = [
        *inputs.findings(tables["separation"], tables["violations"]),
        *activations.findings(tables["activations"]),
        *kernels.findings(tables["kernels"]),
        *independence.findings(tables["independence"]),
        *linearised.findings(tables["linearised"]),
        *covariance.findings(tables["covariance"]),
        *decomposition.findings(tables["decomposition"]),
        *rest.findings(tables["rest"]),
        *limits.findings(tables["limits"]),
    ]
    return pd.DataFrame([asdict(finding) for finding in found])
