"""Invented metrics.csv, runs.csv and spectra.csv."""

import itertools

import numpy as np
import pandas as pd

from synthetic.plan import LAWS, Plan, finite_width, law, replicas

METRICS = (
    "scheme,width,seed,step,layer,kind,feature_change,gram_min_eig,gram_mean_eig,gram_max_eig,"
    "spacetime_min_eig,spacetime_max_eig,resolution,spacetime_resolution"
)
RUNS = "scheme,width,seed,step,train_loss,train_accuracy,test_loss,test_accuracy,weight_change"
SPECTRA = "scheme,width,step,layer,kind,matrix,index,eigenvalue"


def metrics(plan: Plan, rng: np.random.Generator) -> pd.DataFrame:
    rows = []
    for scheme, width, seed, step in replicas(plan):
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


def runs(plan: Plan, rng: np.random.Generator) -> pd.DataFrame:
    rows = []
    for scheme, width, seed, step in replicas(plan):
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


def spectra(plan: Plan, rng: np.random.Generator) -> pd.DataFrame:
    frames = []
    for scheme, width, seed, step in replicas(plan):
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
                            "step": step,
                            "layer": layer,
                            "kind": kind,
                            "matrix": matrix,
                            "index": np.arange(count),
                            "eigenvalue": values,
                            "eigenvalue_low": 0.8 * values,
                            "eigenvalue_high": 1.25 * values,
                        }
                    )
                )
    empty = pd.DataFrame(columns=SPECTRA.split(","))
    return pd.concat(frames, ignore_index=True) if frames else empty
