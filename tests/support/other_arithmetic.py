"""The arithmetic of other machines on this one, and digits' trainings under it.

`python tests/support/other_arithmetic.py FOLDER` trains digits at two widths and writes
metrics.csv and table1.csv there.
"""

import os
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
import yaml

from infwidth.config import read_experiment
from infwidth.datasets.digits import load_digits
from infwidth.datasets.prepare import prepare
from infwidth.files.tables import write_csv
from infwidth.measures.features import Features
from infwidth.measures.scaling import scaling_table
from infwidth.measures.tables import collect
from infwidth.measures.trends import Thresholds
from infwidth.measures.verdicts import table1
from infwidth.network.costs import recipe_settings
from infwidth.recipe import Recipe
from infwidth.training.train import train

ROOT = Path(__file__).parents[2]
WIDTHS = (64, 128)


def environment() -> dict[str, str]:
    """This process' environment, with the instructions of a processor of twenty years ago."""
    # numpy refuses to do without what it does not know. `np.show_runtime` tells the same in print.
    own: Any = import_module("numpy._core._multiarray_umath")
    features = " ".join(name for name in own.__cpu_dispatch__ if own.__cpu_features__[name])
    return os.environ | {
        "OPENBLAS_CORETYPE": "Prescott",
        "ATEN_CPU_CAPABILITY": "default",
        "MKL_CBWR": "COMPATIBLE",
        "NPY_DISABLE_CPU_FEATURES": features,
    }


def main(folder: Path) -> None:
    """Train digits at `WIDTHS`, and judge."""
    torch.set_num_threads(1)
    files = ("config.yaml", "config/digits.yaml")
    config = {
        key: value
        for name in files
        for key, value in yaml.safe_load((ROOT / name).read_text(encoding="utf-8")).items()
    } | {"steps": 300, "seeds": 3}
    base = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
    experiment = read_experiment(config, ROOT / "workflow/schemas/config.schema.yaml", base=base)
    data = prepare(
        load_digits(),
        pool=experiment.pool,
        samples=experiment.samples,
        test_samples=experiment.test_samples,
    )
    trained = []
    for name, scheme in experiment.schemes.items():
        for width in WIDTHS:
            recipe = Recipe(**recipe_settings(experiment, width))
            record = train(data, scheme, width, range(experiment.seeds), recipe)
            paths = [folder / f"{name}-{width}-{part}.npz" for part in ("snapshots", "curves")]
            record.save(*paths)
            features = folder / f"{name}-{width}-features.npz"
            Features.of_snapshots(paths[0]).save(features)
            trained.append((name, width, features, paths[1]))
    measured = collect(trained)
    scaling = scaling_table(
        measured.metrics,
        measured.spectra,
        samples=experiment.samples,
        steps=experiment.steps,
        fit_width_ratio=experiment.fit_width_ratio,
    )
    rules = ("stable_exponent", "small_change", "collapse_ratio")
    judged = table1(
        scaling, measured.diverged, Thresholds(**{key: getattr(experiment, key) for key in rules})
    )[0]
    write_csv(measured.metrics, folder / "metrics.csv")
    write_csv(judged, folder / "table1.csv")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
