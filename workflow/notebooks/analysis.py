# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Rich feature learning under µP: the claims of Table 1, measured
#
# Chen, Yang, Zhao and Gu (ICML 2025) prove that an infinitely wide multi-layer network under the
# µP parametrization both moves its features and keeps them linearly independent, throughout
# training. Their Table 1 sets µP against three other parametrizations, which lack one or the other.
# This notebook reads the CSV files beside it and nothing else; every number and every verdict in
# its text is computed from them.

# %%
from pathlib import Path

import pandas as pd
from IPython.display import Markdown, display

from infwidth import numbers
from infwidth.files.tables import read_csv
from infwidth.measures.estimate import Estimate
from infwidth.measures.losses import ENDS
from infwidth.measures.metrics import SHOWN, headline
from infwidth.measures.reading import read
from infwidth.paper import figures, tables
from infwidth.paper import findings as theory_tables
from infwidth.theory import drawing, judging
from infwidth.theory.statements import STATEMENTS

# %matplotlib inline
# %config InlineBackend.figure_formats = ["retina"]

measured = read(Path())
table1 = tables.read(Path("table1.csv"))
layers = tables.read(Path("table1_layers.csv"))


# %% [markdown]
# ## What is claimed
#
# The words are those of a published summary; the paper's own text was not at hand.


# %%
def claims(scheme: str) -> list[str]:
    found = table1[table1["scheme"] == scheme].set_index("column")["paper"]
    return [str(found.get(column, "")) or "no claim" for column in SHOWN]


heads = ["scheme", *(metric.title.lower() for metric in SHOWN.values())]
rows = [heads, ["---"] * len(heads), *([name, *claims(name)] for name in measured.schemes)]
Markdown("\n".join(f"| {' | '.join(row)} |" for row in rows))

# %% [markdown]
# ## What is assumed
#
# The summary does not state the data subset, the widths, the learning rate, the number of steps,
# the loss, the activation, the number of samples or the seeds of the figures. Those of this run are
# assumptions of this replication. `provenance.json` has all of them;
# the files here show these:

# %%
Markdown(
    f"""
- widths n: {", ".join(map(str, measured.widths))}
- seeds: {measured.seeds}; hidden layers: {len(measured.layers)}
- probe inputs N: {measured.samples or "unknown"}; training steps T: {measured.last_step}
- replicas that diverged: {len(measured.diverged)}
"""
)

# %% [markdown]
# ## Table 1
#
# Of the last hidden layer's pre-activations h, at the last step. The verdicts follow from the
# numbers by fixed rules, whose thresholds stand in the configuration.

# %%
Markdown(tables.markdown(table1))

# %%
counts = table1["agrees"].value_counts()
different = tables.disagreements(table1)
Markdown(
    f"**{counts.get('agrees', 0)} of {len(table1[table1['agrees'] != 'no claim'])} cells agree "
    "with what is claimed.**"
    + "".join(f"\n- {sentence}" for sentence in different or ["No cell disagrees."])
)

# %% [markdown]
# ### How many facts
#
# Space-time cannot exceed λ_min(K_0) nor half of any input's movement; so where one of these falls
# with the width, its fall is no news. Diversity that training leaves within a factor of ten is that
# of initialisation, which schemes that start alike have in common.

# %%
facts = read_csv(Path("table1_facts.csv"))
following = facts[facts["follows_from"] != ""]
Markdown(
    f"**{len(facts) - len(following)} of the {len(facts)} cells are facts of their own.** "
    "The others follow:\n"
    + "\n".join(
        f"- {fact.scheme}, {SHOWN[fact.column].title.lower()}, from {fact.follows_from}: "
        f"{fact.reason}"
        for fact in following.itertuples()
    )
)

# %% [markdown]
# ### When
#
# The same rules at every step at which features were measured. A filled ground agrees with the
# claim, and the symbol says what came out.

# %%
figures.table1_steps.draw(measured)

# %% [markdown]
# ## Against the width
#
# A point is the geometric mean over seeds, a band their range, a dotted line the fitted power of n.
# K is the Gram matrix of the probes' features; K with the indices 0, T is that of the features at
# initialisation together with those at the last step.

# %%
figures.width_sweep.draw(measured)

# %% [markdown]
# At finite width, sampling n units lowers a smallest eigenvalue below its limit, the more so the
# closer n is to the number of rows. So eigenvalues rise with n even where the limit is constant.
# The fitted powers are corrected for this; the raw slopes stand beside them.


# %%
def power(fit: "pd.Series[float]") -> str:
    if pd.isna(fit["exponent"]):
        return numbers.NOTHING
    value, interval = numbers.exponent(*Estimate.of(fit, "exponent"))
    return f"{value} {interval}"


fits = headline(measured.scaling)
exponents = pd.DataFrame(
    {
        "metric": fits["metric"],
        "scheme": fits["scheme"],
        "power of n [95 %]": [power(fit) for _, fit in fits.iterrows()],
        "uncorrected": [numbers.exponent(raw, raw, raw)[0] for raw in fits["raw_exponent"]],
        "R²": [numbers.number(value, 4) for value in fits["r_squared"]],
        "widths": fits["widths"],
        "below resolution": fits["unresolved"],
    }
)
Markdown(tables.plain(exponents))


# %% [markdown]
# ## In the course of training


# %%
COLUMNS = {
    **{metric.name: metric.words for metric in SHOWN.values()},
    **ENDS,
    "weight_change": "weight change",
}
keys = ["scheme", "width", "seed", "step"]
final = measured.features(step=measured.last_step).merge(measured.runs, on=keys)
final = final[final["width"] == max(measured.widths)]
medians = final.groupby("scheme", sort=False)[list(COLUMNS)].median().map(numbers.number)
Markdown(
    f"At n = {max(measured.widths)} and step {measured.last_step}, medians over seeds "
    f"({numbers.NOTHING}: none is defined and resolved):\n\n"
    + tables.plain(medians.rename(columns=COLUMNS).reset_index())
)

# %%
figures.evolution.draw(measured)

# %%
figures.losses.draw(measured)

# %% [markdown]
# ## Spectra
#
# Collapse and shrinking differ: where all eigenvalues fall together the features merely shrink,
# where the small ones fall away from the large ones the features collapse.

# %%
figures.spectra.draw(measured)

# %% [markdown]
# ## Layer by layer

# %%
figures.layers.draw(measured)

# %%
judged = layers[layers["agrees"] != "no claim"]
by_place = judged.groupby(["layer", "kind"])["agrees"].value_counts().unstack(fill_value=0)
by_place = by_place.reindex(columns=["agrees", "disagrees"], fill_value=0).reset_index()
Markdown("Cells by layer and kind:\n\n" + tables.plain(by_place))

# %%
different = layers[layers["agrees"] == "disagrees"]
places = [f"layer {layer}, {kind}" for layer, kind in different[["layer", "kind"]].values]
sentences = zip(places, tables.disagreements(layers), strict=True)
lines = [f"- {place}: {sentence}" for place, sentence in sentences]
Markdown("Cells that differ from what is claimed:\n\n" + "\n".join(lines or ["- none"]))

# %% [markdown]
# The claim speaks of a network, not of a layer; the headline above is the last hidden layer.

# %% [markdown] tags=["theory"]
# ## The theory itself
#
# Table 1 is what a network of finite width shows of statements about the infinite one. Here these
# statements are checked one by one. A verdict is computed from the numbers beside it, and those
# from the files in `theory/`.

# %% tags=["theory"]
findings = read_csv(Path("theory/findings.csv"))
checked = judging.read(Path("theory"), findings["check"].unique())
Markdown(theory_tables.findings_markdown(findings))

# %% tags=["theory"]
if "activations" in checked:
    conditions = theory_tables.activations_markdown(checked["activations"])
    display(Markdown(f"Activations and the conditions of GOOD:\n\n{conditions}"))

# %% tags=["theory"]
for name, figure in drawing.figures(checked):
    display(Markdown(f"### {STATEMENTS[name].title}"), figure)

# %% [markdown]
# ## Diverged runs

# %%
runs = measured.diverged.itertuples()
lines = [f"- {run.scheme}, n = {run.width}, seed {run.seed}, step {run.step}" for run in runs]
Markdown("\n".join(lines) or "No run diverged.")
