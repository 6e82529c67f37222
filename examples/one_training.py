"""One scheme at one width: the three numbers of Table 1, without Snakemake, in seconds.

python examples/one_training.py
"""

from infwidth.datasets.digits import load_digits
from infwidth.datasets.prepare import prepare
from infwidth.measures.features import reduce_snapshots
from infwidth.measures.spectra import spectra
from infwidth.recipe import Recipe
from infwidth.schemes import SCHEMES
from infwidth.training.train import train

SCHEME, WIDTH = "µP", 256
RECIPE = Recipe(
    hidden_layers=3, activation="tanh", loss="mse", init_std=1, reference_width=1,
    learning_rate=0.5, steps=200, batch_size=None, snapshots=2,
    layer="dense", lazy_tolerance=0, precision="float32", device="cpu",
)  # fmt: skip

data = prepare(load_digits(), pool=1000, samples=16, test_samples=1)
record = train(data, SCHEMES[SCHEME], WIDTH, seeds=[0], recipe=RECIPE)
factors = reduce_snapshots(record.initial, record.change)
# Of the last snapshot: pre-activations, last hidden layer, the one seed.
last = spectra(factors[-1, 0, -1, 0], WIDTH, record.unit_roundoff)
print(f"""{SCHEME} at n = {WIDTH}, {len(data.train_labels)} digits, {RECIPE.steps} steps, layer 3:
The features changed by {last.feature_change:.2f} times their initial size.
They are diverse: λ_min(K)/n = {last.gram[0]:.2e}, and 0 where they collapse.
They are new: with the initial ones λ_min(K_0T)/n = {last.spacetime[0]:.2e} (0 where unmoved).""")
