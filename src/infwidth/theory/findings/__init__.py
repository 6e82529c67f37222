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
    """One row per statement: check, source, statement, verdict, evidence.

    Args:
        tables: the theory's CSV files, by name.
    """
    found = {
        "inputs": inputs.findings(tables["separation"], tables["violations"]),
        "activations": activations.findings(tables["activations"]),
        "kernels": kernels.findings(tables["kernels"]),
        "independence": independence.findings(tables["independence"]),
        "linearised": linearised.findings(tables["linearised"]),
        "covariance": covariance.findings(tables["covariance"]),
        "decomposition": decomposition.findings(tables["decomposition"]),
        "rest": rest.findings(tables["rest"]),
        "limits": limits.findings(tables["limits"]),
    }
    return pd.DataFrame(
        [{"check": check, **asdict(one)} for check, findings in found.items() for one in findings]
    )
