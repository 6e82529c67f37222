"""A paper folder made of invented measurements that follow the theory's powers of the width.

Values at width 1024 are those of an independent trial; everything is drawn from one seeded
generator. For looking at figures by hand: `cd tests; python -m synthetic some/folder`.
"""

import json
from pathlib import Path

import numpy as np
import pandas as pd

from synthetic import judged, measured
from synthetic.plan import ON_MANY, Plan

__all__ = ["ON_MANY", "Plan", "write"]


def write(folder: Path, plan: Plan | None = None) -> Path:
    """Write every file that the paper stage reads into `folder`; return the folder."""
    plan = plan or Plan()
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(7)
    metrics = measured.metrics(plan, rng)
    scaling = judged.scaling(plan, metrics)
    tables = {
        "metrics": metrics,
        "runs": measured.runs(plan, rng),
        "diverged": pd.DataFrame(list(plan.diverged), columns=["scheme", "width", "seed", "step"]),
        "spectra": measured.spectra(plan, rng),
        "scaling": scaling,
        "table1_layers": judged.table(plan, scaling),
    }
    layers = tables["table1_layers"]
    tables["table1"] = layers[(layers["layer"] == plan.layers) & (layers["kind"] == "h")]
    tables["table1_steps"] = judged.steps(plan, tables["table1"])
    tables["table1_facts"] = judged.facts(tables["table1"])
    for name, frame in tables.items():
        frame.to_csv(folder / f"{name}.csv", index=False)
    (folder / "provenance.json").write_text(json.dumps(judged.provenance(plan, folder.name)))
    return folder
