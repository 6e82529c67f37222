"""Invented scaling.csv, table1.csv and provenance.json."""

import itertools

import numpy as np
import pandas as pd

from synthetic.plan import Plan, finite_width

PAPER = {
    "SP": ("small, close to initialisation", "rich", "decreases with width"),
    "NTP": ("small, close to initialisation", "rich", "decreases with width"),
    "IP": ("large", "low (feature collapse)", "decreases with width"),
    "µP": ("large and stable", "rich", "stable across widths"),
}
MEASURED = {
    "SP": ("small", "rich", "decreases with width"),
    "NTP": ("small", "rich", "decreases with width"),
    "IP": ("large", "collapsed", "decreases with width"),
    "µP": ("large and stable", "rich", "stable across widths"),
}
SWEPT = ("feature_change", "gram_min_eig", "gram_ratio", "spacetime_min_eig", "retention")
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
JUDGING = HEADLINE | {"feature_diversity": "gram_ratio"}


def scaling(plan: Plan, metrics: pd.DataFrame) -> pd.DataFrame:
    last = metrics[metrics["step"] == plan.steps[-1]].copy()
    last["gram_ratio"] = last["gram_min_eig"] / last["gram_mean_eig"]
    last["retention"] = 0.9 * last["gram_ratio"] / last["gram_ratio"].max()
    rows = []
    cells = itertools.product(SWEPT, plan.schemes, range(1, plan.layers + 1), "hx")
    for metric, scheme, layer, kind in cells:
        here = last[
            (last["scheme"] == scheme) & (last["layer"] == layer) & (last["kind"] == kind)
        ].dropna(subset=[metric])
        here = here[here[metric] > 0]
        count = 0 if metric in ("feature_change", "retention") else plan.samples
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
            row |= {"local_exponent": slope, "local_low": slope - 0.1, "local_high": slope + 0.1}
            row |= {"law": "power"}
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
        "largest_width,widths,seeds,correction,correction_power,raw_exponent,r_squared,unresolved,"
        "local_exponent,local_low,local_high,law"
    )
    return pd.DataFrame(rows).reindex(columns=columns.split(","))


def table(plan: Plan, scaling: pd.DataFrame) -> pd.DataFrame:
    fields = ["value", "value_low", "value_high", "exponent", "ci_low", "ci_high"]
    ends = ["judging", "judging_low", "judging_high"]
    ends += ["judging_exponent", "judging_exponent_low", "judging_exponent_high"]
    local = ["local_exponent", "local_low", "local_high", "law"]
    keys = ["metric", "scheme", "layer", "kind"]
    fits = {tuple(row[key] for key in keys): row for row in scaling.to_dict("records")}
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
            row |= {field: fit[field] for field in fields} | {"reason": "invented for a test"}
            place_of = (scheme, fit["layer"], fit["kind"])
            read = fits[(JUDGING[column], *place_of)]
            raw = None if column == "feature_variation" else read["raw_exponent"]
            row |= {"raw_exponent": raw} | {name: read[name] for name in local}
            row |= {end: read[field] for end, field in zip(ends, fields, strict=True)}
            kept = fits[("retention", *place_of)] if column == "feature_diversity" else {}
            for end in ("", "_low", "_high"):
                row[f"retention{end}"] = kept.get(f"value{end}")
            rows.append(row | {"loss": 0.149, "loss_low": 0.118, "loss_high": 0.189})
    return pd.DataFrame(rows)


def steps(plan: Plan, headline: pd.DataFrame) -> pd.DataFrame:
    """The cells of the last step at each step but 0, as if nothing had changed."""
    names = ["scheme", "column", "step", "measured", "agrees"]
    names += ["value", "exponent", "ci_low", "ci_high"]
    parts = [headline.assign(step=step)[names] for step in plan.steps if step > 0]
    return pd.concat(parts) if parts else pd.DataFrame(columns=names)


def facts(headline: pd.DataFrame) -> pd.DataFrame:
    """As if space-time followed from feature variation wherever it falls."""
    falls = headline["measured"] == "decreases with width"
    table = headline[["scheme", "column"]].assign(follows_from="", reason="")
    table.loc[falls, ["follows_from", "reason"]] = ["feature variation", "invented for a test"]
    return table


def provenance(plan: Plan, name: str) -> dict[str, object]:
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
        "lazy_tolerance": 0.01,
        "precision": "float32",
        "device": "auto",
        "theory": False,
        "stable_exponent": 0.1,
        "small_change": 0.3,
        "collapse_ratio": 1e-4,
        "fit_width_ratio": 4.0,
    }
    return {
        "experiment": name,
        "config": config | dict(plan.config),
        "config_sha256": "0" * 64,
        "code": "2" * 64,
        "packages": {"numpy": "2.4.6", "torch": "2.9.1"},
        "python": "3.11.7",
        "device": ["cpu"],
        "data": {"name": "scikit-learn's digits", "sha256": "1" * 64},
        "rules": [
            {"rule": "train", "job": "SP_64", "seconds": 12.3, "max_rss_mb": 812.0},
            {"rule": "train", "job": "µP_4096", "seconds": 123.4, "max_rss_mb": 2812.0},
            {"rule": "spectra", "job": "", "seconds": 20.0, "max_rss_mb": None},
        ],
        "files": {"metrics.csv": "3" * 64},
    }
