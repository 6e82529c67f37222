"""A paper folder made of invented measurements that follow the theory's powers of the width.

Values at width 1024 are those of an independent trial; everything is drawn from one seeded
generator. For looking at figures by hand: `python tests/synthetic.py some/folder`.
"""

import itertools
import json
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

# Per scheme: (value at width 1024, power of the width) of change, gram and space-time; test loss.
LAWS = {
    "SP": ((0.076, -0.5), (0.055, 0.0), (1.2e-5, -1.0), 0.62),
    "NTP": ((0.113, -0.5), (0.055, 0.0), (7.2e-5, -1.0), 0.55),
    "IP": ((634.0, 0.9), (8.4e-8, -1.65), (7.0e-9, -1.8), 0.72),
    "µP": ((1.59, 0.0), (0.055, 0.0), (1.5e-2, 0.0), 0.48),
}
PAPER = {
    "SP": ("small, close to initialisation", "rich", "decreases with width"),
    "NTP": ("small, close to initialisation", "rich", "decreases with width"),
    "IP": ("large", "low, features collapse", "decreases with width"),
    "µP": ("large and stable", "rich", "stable across widths"),
}
MEASURED = {
    "SP": ("small", "rich", "decreases with width"),
    "NTP": ("small", "rich", "decreases with width"),
    "IP": ("large", "collapsed", "decreases with width"),
    "µP": ("large and stable", "rich", "stable across widths"),
}
METRICS = (
    "scheme,width,seed,step,layer,kind,feature_change,gram_min_eig,gram_mean_eig,gram_max_eig,"
    "spacetime_min_eig,spacetime_max_eig,resolution,spacetime_resolution"
)
RUNS = "scheme,width,seed,step,train_loss,train_accuracy,test_loss,test_accuracy,weight_change"
SPECTRA = "scheme,width,seed,step,layer,kind,matrix,index,eigenvalue"
SWEPT = ("feature_change", "gram_min_eig", "gram_ratio", "spacetime_min_eig")
EXPONENTS = {
    "SP": {"init_variance": [0.0, -1.0, -1.0], "learning_rate": [-1.0, -1.0, -1.0]},
    "NTP": {"init_variance": [0.0, -1.0, -1.0], "learning_rate": [0.0, -1.0, -1.0]},
    "IP": {"init_variance": [0.0, -2.0, -2.0], "learning_rate": [1.0, 0.0, -1.0]},
    "µP": {"init_variance": [0.0, -1.0, -2.0], "learning_rate": [1.0, 0.0, -1.0]},
}
HEADLINE = {
    "feature_variation": "feature_change",
    "feature_diversity": "gram_min_eig",
    "space_time": "spacetime_min_eig",
}


@dataclass(frozen=True)
class Plan:
    """What is invented: the ranges of the tables and what goes wrong in them."""

    schemes: tuple[str, ...] = ("SP", "NTP", "IP", "µP")
    widths: tuple[int, ...] = (64, 128, 256, 512, 1024, 2048, 4096)
    seeds: int = 5
    layers: int = 3
    steps: tuple[int, ...] = (0, 1, 2, 3, 5, 9, 15, 25, 41, 69, 117, 200)
    samples: int = 32
    floor: float = 1e-16
    diverged: tuple[tuple[str, int, int, int], ...] = ()


def finite_width(count: int, width: int) -> float:
    """Marchenko-Pastur's edge (1 - sqrt(count/width))², kept positive for the square case."""
    return float(max((1 - np.sqrt(count / width)) ** 2, 2e-4))


def law(scheme: str) -> tuple[tuple[float, float], ...]:
    """The three powers of a scheme; one that the paper does not have lies near µP."""
    if scheme in LAWS:
        return LAWS[scheme][:3]
    shift = 1 + (sum(map(ord, scheme)) % 7) / 4
    return ((1.59 / shift, -0.1), (0.03 / shift, -0.1), (1e-3 / shift, -0.3))


def write(folder: Path, plan: Plan | None = None) -> Path:
    """Write every file that the paper stage reads into `folder`; return the folder."""
    plan = plan or Plan()
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(7)
    metrics = _metrics(plan, rng)
    scaling = _scaling(plan, metrics)
    tables = {
        "metrics": metrics,
        "runs": _runs(plan, rng),
        "diverged": pd.DataFrame(list(plan.diverged), columns=["scheme", "width", "seed", "step"]),
        "spectra": _spectra(plan, rng),
        "scaling": scaling,
        "table1_layers": _table(plan, scaling),
    }
    layers = tables["table1_layers"]
    tables["table1"] = layers[(layers["layer"] == plan.layers) & (layers["kind"] == "h")]
    for name, frame in tables.items():
        frame.to_csv(folder / f"{name}.csv", index=False)
    (folder / "provenance.json").write_text(json.dumps(_provenance(plan, folder.name)))
    return folder


def _alive(plan: Plan, scheme: str, width: int, seed: int, step: int) -> bool:
    return all(
        (scheme, width, seed) != replica[:3] or step < replica[3] for replica in plan.diverged
    )


def _replicas(plan: Plan) -> list[tuple[str, int, int, int]]:
    cells = itertools.product(plan.schemes, plan.widths, range(plan.seeds), plan.steps)
    return [cell for cell in cells if _alive(plan, *cell)]


def _metrics(plan: Plan, rng: np.random.Generator) -> pd.DataFrame:
    rows = []
    for scheme, width, seed, step in _replicas(plan):
        (change, slope), (gram, gram_slope), (joint, joint_slope) = law(scheme)
        learned = (1 - np.exp(-step / 40)) / (1 - np.exp(-5))
        grown = np.log1p(change * (width / 1024) ** slope)
        for layer, kind in itertools.product(range(1, plan.layers + 1), "hx"):
            depth = 1.0 if layer == plan.layers else 0.6
            damp = 1.0 if kind == "h" else 0.7
            noise = np.exp(rng.normal(0, 0.6 / np.sqrt(width) + 0.02, 3))
            collapse = 1.0 if scheme != "IP" or layer > 1 else 1e4
            start = 3e-9 if scheme == "IP" and layer > 1 else 3.0
            eigenvalue = gram * (width / 1024) ** gram_slope * collapse
            eigenvalue *= start ** (1 - learned) * finite_width(plan.samples, width)
            space = joint * (width / 1024) ** joint_slope * learned**2
            space *= finite_width(2 * plan.samples, width)
            defined = 2 * plan.samples <= width
            smallest = eigenvalue * noise[1] * damp
            spacetime = space * noise[2] * damp
            rows.append(
                {
                    "scheme": scheme,
                    "width": width,
                    "seed": seed,
                    "step": step,
                    "layer": layer,
                    "kind": kind,
                    "feature_change": np.expm1(grown * learned) * depth * damp * noise[0],
                    "gram_min_eig": smallest if smallest > plan.floor else np.nan,
                    "gram_mean_eig": 0.9 * (1 + change * learned),
                    "gram_max_eig": 2.0 * (1 + change * learned),
                    "spacetime_min_eig": (
                        spacetime if defined and spacetime > plan.floor else np.nan
                    ),
                    "spacetime_max_eig": 3.0 if defined else np.nan,
                    "resolution": plan.floor,
                    "spacetime_resolution": plan.floor if defined else np.nan,
                }
            )
    return pd.DataFrame(rows, columns=METRICS.split(","))


def _runs(plan: Plan, rng: np.random.Generator) -> pd.DataFrame:
    rows = []
    for scheme, width, seed, step in _replicas(plan):
        rate = 0.03 * (width / 1024) ** 0.1 * (0.4 if scheme == "SP" else 1.0)
        noise = np.exp(rng.normal(0, 0.5 / np.sqrt(width), 2))
        final = LAWS[scheme][3] if scheme in LAWS else 0.6
        rows.append(
            {
                "scheme": scheme,
                "width": width,
                "seed": seed,
                "step": step,
                "train_loss": (0.01 + 0.5 * np.exp(-rate * step)) * noise[0],
                "train_accuracy": min(1.0, 0.1 + step * rate / 4),
                "test_loss": (final + (0.5 - final) * np.exp(-rate * step)) * noise[1],
                "test_accuracy": min(0.35, 0.1 + step * rate / 20),
                "weight_change": 0.01 * step / np.sqrt(width),
            }
        )
    return pd.DataFrame(rows, columns=RUNS.split(","))


def _spectra(plan: Plan, rng: np.random.Generator) -> pd.DataFrame:
    frames = []
    for scheme, width, seed, step in _replicas(plan):
        if seed or step not in (plan.steps[0], plan.steps[-1]):
            continue
        for layer, kind in itertools.product(range(1, plan.layers + 1), "hx"):
            for matrix, count in (("gram", plan.samples), ("spacetime", 2 * plan.samples)):
                if matrix == "spacetime" and (step == 0 or count > width):
                    continue
                _, gram, joint = law(scheme)
                value, slope = gram if matrix == "gram" else joint
                bottom = max(value * (width / 1024) ** slope, 1e-18)
                bottom *= finite_width(count, width)
                if scheme == "IP" and step == 0:
                    bottom *= 3e-9
                place = np.linspace(0, 1, count) ** 1.5 + rng.normal(0, 0.003, count)
                values = np.sort(bottom * (2.0 / bottom) ** place)
                frames.append(
                    pd.DataFrame(
                        {
                            "scheme": scheme,
                            "width": width,
                            "seed": seed,
                            "step": step,
                            "layer": layer,
                            "kind": kind,
                            "matrix": matrix,
                            "index": np.arange(count),
                            "eigenvalue": values,
                        }
                    )
                )
    empty = pd.DataFrame(columns=SPECTRA.split(","))
    return pd.concat(frames, ignore_index=True) if frames else empty


def _scaling(plan: Plan, metrics: pd.DataFrame) -> pd.DataFrame:
    last = metrics[metrics["step"] == plan.steps[-1]].copy()
    last["gram_ratio"] = last["gram_min_eig"] / last["gram_mean_eig"]
    rows = []
    cells = itertools.product(SWEPT, plan.schemes, range(1, plan.layers + 1), "hx")
    for metric, scheme, layer, kind in cells:
        here = last[
            (last["scheme"] == scheme) & (last["layer"] == layer) & (last["kind"] == kind)
        ].dropna(subset=[metric])
        here = here[here[metric] > 0]
        count = 0 if metric == "feature_change" else plan.samples
        count *= 2 if metric == "spacetime_min_eig" else 1
        used = here[here["width"] > 3 * count]
        edge = np.array([finite_width(count, width) for width in used["width"]])
        row: dict[str, object] = {"metric": metric, "scheme": scheme, "layer": layer, "kind": kind}
        fitted = used["width"].nunique() > 1
        if fitted:
            x, y = np.log(used["width"]), np.log(used[metric])
            slope = float(np.polyfit(x, y - np.log(edge), 1)[0])
            row |= {"exponent": slope, "ci_low": slope - 0.021, "ci_high": slope + 0.024}
            row |= {"raw_exponent": float(np.polyfit(x, y, 1)[0]), "r_squared": 0.98}
        top = here[here["width"] == here["width"].max()][metric]
        if len(top):
            value = float(np.exp(np.log(top).mean()))
            row |= {"value": value, "value_low": value * 0.95, "value_high": value * 1.06}
            row |= {"largest_width": int(here["width"].max())}
        row |= {
            "widths": used["width"].nunique(),
            "seeds": plan.seeds,
            "correction": "marchenko-pastur" if count else "none",
            "correction_power": 1.0 if count else 0.0,
            "unresolved": int((here[metric] <= plan.floor).sum()),
        }
        rows.append(row)
    columns = (
        "metric,scheme,layer,kind,exponent,ci_low,ci_high,value,value_low,value_high,"
        "largest_width,widths,seeds,correction,correction_power,raw_exponent,r_squared,unresolved"
    )
    return pd.DataFrame(rows).reindex(columns=columns.split(","))


def _table(plan: Plan, scaling: pd.DataFrame) -> pd.DataFrame:
    fields = ["value", "value_low", "value_high", "exponent", "ci_low", "ci_high"]
    rows = []
    for fit in scaling.to_dict("records"):
        for place, (column, metric) in enumerate(HEADLINE.items()):
            if metric != fit["metric"]:
                continue
            scheme = str(fit["scheme"])
            measured = MEASURED.get(scheme, ("undetermined",) * 3)[place]
            if (scheme, fit["layer"], column) == ("IP", 1, "feature_diversity"):
                measured = "rich"
            paper = PAPER[scheme][place] if scheme in PAPER else None
            agrees = None if paper is None else str(MEASURED[scheme][place] == measured).lower()
            row = {"scheme": scheme, "column": column, "measured": measured, "paper": paper}
            row |= {"agrees": agrees, "layer": fit["layer"], "kind": fit["kind"]}
            row |= {field: fit[field] for field in fields}
            rows.append(row | {"reason": "invented for a test"})
    return pd.DataFrame(rows)


def _provenance(plan: Plan, name: str) -> dict[str, object]:
    config = {
        "experiment": name,
        "dataset": "digits",
        "pool": 1000,
        "samples": plan.samples,
        "test_samples": 256,
        "schemes": {name: EXPONENTS.get(name, EXPONENTS["µP"]) for name in plan.schemes},
        "widths": list(plan.widths),
        "seeds": plan.seeds,
        "hidden_layers": plan.layers,
        "activation": "tanh",
        "loss": "mse",
        "learning_rate": 0.5,
        "reference_width": 1.0,
        "init_std": 1.0,
        "steps": plan.steps[-1],
        "batch_size": None,
        "snapshots": len(plan.steps),
        "layer": "auto",
        "precision": "float32",
        "device": "auto",
        "stable_exponent": 0.1,
        "small_change": 0.3,
        "collapse_ratio": 1e-4,
        "fit_width_ratio": 4.0,
    }
    return {
        "experiment": name,
        "config": config,
        "config_sha256": "0" * 64,
        "code": "0a3e3630000",
        "packages": {"numpy": "2.4.6", "torch": "2.9.1"},
        "python": "3.11.7",
        "device": ["cpu"],
        "data_sha256": "1" * 64,
        "rules": [
            {"rule": "train", "job": "SP/64", "seconds": 12.3, "max_rss_mb": 812.0},
            {"rule": "train", "job": "µP/4096", "seconds": 123.4, "max_rss_mb": 2812.0},
            {"rule": "spectra", "job": "", "seconds": 20.0, "max_rss_mb": 400.0},
        ],
    }


if __name__ == "__main__":
    write(Path(sys.argv[1]))
