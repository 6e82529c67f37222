"""The n = ∞ network of SP and NTP on all the data: the same SGD, and where it would end.

Its outputs f on all images obey f' = f - η Θ χ, with χ the gradient of the batch's objective at f,
0 off the batch, from a draw of the Gaussian process that initial outputs tend to (Jacot et al.
2018; Lee et al. 2019). From f = 0 this is µP's network with its features held: the two schemes have
the same Θ. For squared error the end is kernel regression: with Θ from f = 0, and, if the output
layer alone were trained, with the kernel of the process.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve
from torch import Tensor

from infwidth.datasets.prepare import PreparedDataset
from infwidth.network.losses import LOSSES, accuracy, one_hot
from infwidth.recipe import Recipe
from infwidth.schemes import Scheme
from infwidth.theory.generalisation.kernels import Array, limit_kernels, matrix
from infwidth.theory.generalisation.names import (
    FROM_PROCESS,
    FROM_ZERO,
    PROCESS_REGRESSION,
    TANGENT_REGRESSION,
)
from infwidth.training.batches import Batches
from infwidth.training.descent import DIVERGED_LOSS_RATIO

# Added to the diagonal of a kernel, as a part of its mean: images that occur twice leave it
# singular otherwise.
RIDGE = 1e-8

Row = dict[str, object]


@dataclass(frozen=True)
class Images:
    """Training images, then test images.

    Attributes:
        inputs: shape (all, d).
        targets: one-hot, shape (all, classes).
        trained: how many are trained on.
        seen: of how many of these the training loss is told.
    """

    inputs: Array
    targets: Tensor
    trained: int
    seen: int

    @classmethod
    def of(cls, data: PreparedDataset) -> "Images":
        """As many training images are seen as in the curves of a training."""
        trained = len(data.train_inputs)
        labels = np.concatenate([data.train_labels, data.test_labels])
        return cls(
            np.concatenate([data.train_inputs, data.test_inputs]),
            one_hot(torch.as_tensor(labels), data.classes),
            trained,
            data.shown,
        )

    def told(self, outputs: Tensor, loss: str) -> Iterator[Row]:
        """Losses and accuracies of outputs of shape (R, all, classes), a row for each replica."""
        labels = self.targets.argmax(dim=-1)
        parts = {"train": slice(self.seen), "test": slice(self.trained, None)}
        values: dict[str, list[float]] = {}
        for name, part in parts.items():
            losses = LOSSES[loss].per_sample(outputs[:, part], self.targets[part])
            values[f"{name}_loss"] = losses.mean(dim=-1).tolist()
            right = accuracy(outputs[:, part], labels[part])
            values[f"{name}_accuracy"] = right.where(
                losses.isfinite().all(dim=-1), torch.nan
            ).tolist()
        for replica in range(len(outputs)):
            yield {name: each[replica] for name, each in values.items()}


def limit_rows(
    name: str,
    scheme: Scheme,
    data: PreparedDataset,
    recipe: Recipe,
    rates: Mapping[str, Sequence[float]],
    seeds: Sequence[int],
) -> Iterator[Row]:
    """The rows of kernel_limit.csv of a scheme.

    Args:
        name: the scheme's.
        scheme: its powers, under which features do not move at n = ∞.
        data: unit inputs.
        recipe: for everything but the loss and the learning rate.
        rates: loss -> learning rates.
        seeds: of batches, and of draws of the process.
    """
    images, kernels = Images.of(data), limit_kernels(scheme, recipe)
    inputs, trained = images.inputs, images.inputs[: images.trained]
    theta = matrix(kernels.tangent, trained, inputs)
    process = _ridged(matrix(kernels.outputs, inputs, inputs))
    ends = {
        TANGENT_REGRESSION: regression(theta, images),
        PROCESS_REGRESSION: regression(process[: images.trained], images),
    }
    if "mse" in rates:
        for kind, outputs in ends.items():
            (row,) = images.told(outputs[None], "mse")
            yield {"scheme": name, "loss": "mse", "kind": kind, **row}
    root = np.linalg.cholesky(process)
    del process
    for seed in seeds:
        normal = np.random.default_rng(seed).standard_normal((len(inputs), data.classes))
        starts = {FROM_PROCESS: torch.from_numpy(root @ normal)}
        starts[FROM_ZERO] = torch.zeros_like(starts[FROM_PROCESS])
        for loss, tried in rates.items():
            for kind, start in starts.items():
                ended = descend(theta, start, images, loss, tried, seed, recipe)
                for rate, row in zip(tried, images.told(ended, loss), strict=True):
                    place: Row = {"scheme": name, "loss": loss, "kind": kind}
                    yield place | {"learning_rate": rate, "seed": seed} | row


def _ridged(kernel: NDArray[np.float64]) -> Array:
    """The kernel with `RIDGE`, in place."""
    kernel[np.diag_indices_from(kernel)] += RIDGE * kernel.diagonal().mean()
    return kernel


def regression(kernel: Array, images: Images) -> Tensor:
    """Outputs on all images of the regression of the targets on a kernel.

    Args:
        kernel: of training images with all, shape (trained, all).
        images: in that order.
    """
    factor = cho_factor(_ridged(kernel[:, : images.trained].copy()), overwrite_a=True)
    weights = cho_solve(factor, images.targets[: images.trained].numpy())
    return torch.from_numpy(kernel.T @ weights)


def descend(
    theta: Array,
    start: Tensor,
    images: Images,
    loss: str,
    rates: Sequence[float],
    seed: int,
    recipe: Recipe,
) -> Tensor:
    """SGD on the linear equation, on a seed's batches, at every rate.

    Args:
        theta: Θ at a rate of 1, of training images with all, shape (trained, all).
        start: outputs on all images, shape (all, classes).
        images: in that order.
        loss: its name.
        rates: η.
        seed: of the batches.
        recipe: for its steps and the size of a batch.

    Returns:
        Outputs after the last step, shape (rates, all, classes); NaN where the training loss has
        grown as far as ends a training.
    """
    kernel, trained = torch.from_numpy(theta), images.trained
    eta = torch.tensor(rates, dtype=torch.float64)[:, None, None]
    outputs = start.expand(len(rates), -1, -1).clone()
    batches = Batches([seed], trained, recipe.batch_size)
    for _ in range(recipe.steps):
        batch = batches.indices()[0]
        signal = LOSSES[loss].gradient(outputs[:, batch], images.targets[batch])
        outputs -= eta / len(batch) * (kernel[batch].T @ signal)
    losses = [
        LOSSES[loss].per_sample(each[..., :trained, :], images.targets[:trained]).mean(dim=-1)
        for each in (start, outputs)
    ]
    outputs[~(losses[1] <= DIVERGED_LOSS_RATIO * losses[0].clamp(min=1.0))] = torch.nan
    return outputs
