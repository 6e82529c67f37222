"""Which cells of Table 1 say what others say already.

Two ways of following are looked for, both in the numbers; the rest counts as independent.

- *Space-time* falls wherever its bound falls. With h^0, δh the features at initialisation and their
  movement, the unit vectors (a, 0) and (e_i, -e_i)/√2 give

      λ_min(K_{0,T}) <= λ_min(K_0),    λ_min(K_{0,T}) <= ½ min_i ‖δh_i‖² <= ½ c² λ_max(K_0),

  c being the feature change: some ‖δh_i‖ / ‖h_i^0‖ is at most its mean. So where a bound falls with
  the width (its raw power; sampling only lifts it), "decreases with width" is no news.
- *Diversity* that training leaves within a factor of `KEPT` is that of initialisation, and schemes
  whose networks start alike have it in common: one fact, the first scheme's.
"""

import numpy as np
import pandas as pd

from infwidth.measures.estimate import NOT_MEASURED, Estimate
from infwidth.measures.metrics import JUDGING, headline
from infwidth.measures.power_law import fit_power_law, geometric_mean
from infwidth.measures.scaling import by_width
from infwidth.measures.trends import Thresholds
from infwidth.numbers import power as written
from infwidth.numbers import with_interval

KEY = ["scheme", "width", "seed"]
# Ours: the rule that tells rich from collapsed asks for decades.
KEPT = 10.0


def facts_table(cells: pd.DataFrame, metrics: pd.DataFrame, thresholds: Thresholds) -> pd.DataFrame:
    """A row for each cell: `scheme, column, follows_from, reason`; independent where both are "".

    Args:
        cells: table1.csv.
        metrics: metrics.csv.
        thresholds: of the rules.
    """
    rows = headline(metrics)
    start = rows[rows["step"] == 0]
    final = rows[rows["step"] == rows["step"].max()]
    both = final.merge(start, on=KEY, suffixes=("", "_0"))
    diverse: dict[str, Estimate] = {}
    found = []
    for cell in cells.to_dict("records"):
        scheme, column = str(cell["scheme"]), str(cell["column"])
        follows = ("", "")
        if column == "space_time":
            follows = _space_time(cell["measured"], both[both["scheme"] == scheme], thresholds)
        elif column == "feature_diversity":
            initial = _initial_diversity(start[start["scheme"] == scheme])
            follows = _diversity(Estimate.of(cell, "retention"), initial, diverse)
            if _kept(Estimate.of(cell, "retention")):
                diverse[scheme] = initial
        found.append(
            {"scheme": scheme, "column": column, "follows_from": follows[0], "reason": follows[1]}
        )
    return pd.DataFrame(found, columns=["scheme", "column", "follows_from", "reason"])


def _space_time(measured: object, rows: pd.DataFrame, thresholds: Thresholds) -> tuple[str, str]:
    """What the fall of a space-time eigenvalue follows from, and the numbers that say so."""
    bounds = {
        ("feature variation", "½ change² λ_max(K_0)/n"): (
            0.5 * rows["feature_change"] ** 2 * rows["gram_max_eig_0"]
        ),
        ("initialisation", "λ_min(K_0)/n"): rows["gram_min_eig_0"],
    }
    if measured != "decreases with width":
        return "", ""
    for (source, name), bound in bounds.items():
        held = rows.assign(bound=bound)[bound > 0]
        values = by_width(held, "bound")
        power = fit_power_law(list(values), [*values.values()], None).exponent
        broken = (held["spacetime_min_eig"] > held["bound"]).any()
        if power.high < -thresholds.stable_exponent and not broken:
            return source, f"at most {name}, which goes as n^{written(*power)}"
    return "", ""


def _diversity(
    retention: Estimate, initial: Estimate, others: dict[str, Estimate]
) -> tuple[str, str]:
    """The scheme before whose diversity it shares, if training leaves both as they began."""
    if not _kept(retention):
        return "", ""
    for scheme, other in others.items():
        if initial.low <= other.high and other.low <= initial.high:
            return scheme, (
                f"training leaves {with_interval(*retention)} of it; it began at "
                f"{with_interval(*initial)}, {scheme}'s at {with_interval(*other)}"
            )
    return "", ""


def _kept(retention: Estimate) -> bool:
    return retention.low > 1 / KEPT and retention.high < KEPT


def _initial_diversity(start: pd.DataFrame) -> Estimate:
    """The metric that judges diversity, at step 0 and the largest width."""
    widest = start[start["width"] == start["width"].max()]
    values = JUDGING["feature_diversity"].values(widest).to_numpy().astype(np.float64)
    return geometric_mean(values) if len(values) and (values > 0).all() else NOT_MEASURED
