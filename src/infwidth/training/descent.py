"""The step of gradient descent, and who is still going: every training is one of these."""

from collections.abc import Sequence
from typing import Generic, TypeVar

import torch
from torch import Tensor

from infwidth.datasets.prepare import PreparedDataset
from infwidth.network.losses import LOSSES, accuracy, one_hot
from infwidth.network.mlp import Network, Rates
from infwidth.network.probed import ProbedNetwork
from infwidth.network.state import State, take_tensors, tensors
from infwidth.training.batches import Batches

Trained = TypeVar("Trained", Network, ProbedNetwork)

# A loss this many times its initial value has left every regime of interest, though float32 could
# still hold it: the replica has diverged there rather than at its overflow.
DIVERGED_LOSS_RATIO = 1e6


class Descending(Generic[Trained]):
    """R replicas of a network on their way down: who is still going, and what a step needs.

    Attributes:
        network: the replicas that are kept.
        loss: of the outputs and `targets`.
        labels: of the training set, shape (T,).
        targets: one-hot, shape (T, classes).
        alive: indices of the replicas kept, of those at the start; on the CPU.
        losses: means over training inputs, shape (R,).
    """

    def __init__(
        self,
        network: Trained,
        data: PreparedDataset,
        rates: Rates,
        seeds: Sequence[int],
        loss: str,
        batch_size: int | None,
        first_rates: Rates | None = None,
    ) -> None:
        """Before the first step.

        Args:
            network: one replica per seed, at its start.
            data: its training inputs are those that the network trains on.
            rates: the learning rates of the L + 1 layers, from the input on.
            seeds: of the mini-batches.
            loss: one of `LOSSES`.
            batch_size: None is full batch.
            first_rates: those of the first step, if they are others.
        """
        self.network: Trained = network
        self.loss = LOSSES[loss]
        self.labels = torch.as_tensor(data.train_labels, device=network.outputs.device)
        self.targets = one_hot(self.labels, data.classes)
        self.alive = torch.arange(len(seeds))
        self._rates, self._first_rates = rates, first_rates or rates
        self._taken = 0
        self._batches = Batches(seeds, len(self.labels), batch_size)
        self._shown = data.shown
        self.losses = self._present_losses()
        self._limits = DIVERGED_LOSS_RATIO * self.losses.clamp(min=1.0)

    def _present_losses(self) -> Tensor:
        """Of the network as it is."""
        raise NotImplementedError

    @property
    def rates(self) -> Rates:
        """The learning rates of the next step."""
        return self._rates if self._taken else self._first_rates

    def going(self, losses: Tensor | None = None) -> Tensor:
        """Which replicas have not diverged, at their own losses or at others; shape (R,)."""
        losses = self.losses if losses is None else losses
        return losses.isfinite() & (losses <= self._limits)

    def _step(self, signal: Tensor, norms: bool) -> Tensor | None:
        sizes = self.network.step(signal, self.rates, norms=norms)
        self._taken += 1
        return sizes

    def state(self) -> State:
        """Who is left, of the network, and of the batches, and how many steps were taken."""
        return {
            "taken": self._taken,
            **tensors(self, ("alive", "losses", "_limits")),
            "network": self.network.state(),
            "batches": self._batches.state(),
        }

    def restore(self, state: State) -> None:
        """Take over a state; for a descent before its first step."""
        self._taken = state["taken"]
        self.keep(state["alive"].to(self.losses.device))
        take_tensors(self, ("alive", "losses", "_limits"), state)
        self.network.restore(state["network"])
        self._batches.restore(state["batches"])

    def keep(self, replicas: Tensor) -> None:
        """Go on with these replicas alone (indices)."""
        self.network.keep(replicas)
        self.alive = self.alive[replicas.cpu()]
        self.losses, self._limits = self.losses[replicas], self._limits[replicas]


class Descent(Descending[Network]):
    """On the inputs that follow, full batch or in mini-batches; `losses` are of all of them."""

    def _present_losses(self) -> Tensor:
        return self.losses_of(self.network.outputs)

    def losses_of(self, outputs: Tensor) -> Tensor:
        """Means over samples, shape (R,), of outputs of shape (R, N, classes)."""
        return self.loss.per_sample(outputs, self.targets).mean(dim=-1)

    def weights(self) -> Tensor:
        """Weights of the samples in the next step's objective, shape (R, N)."""
        return next(self._batches)[self.alive].to(self.losses.device)

    def signal(self, weights: Tensor, outputs: Tensor | None = None) -> Tensor:
        """Gradient of the objective at the network's outputs, or at others; (R, N, classes)."""
        outputs = self.network.outputs if outputs is None else outputs
        return self.loss.gradient(outputs, self.targets) * weights[:, :, None]

    def advance(self, signal: Tensor | None = None, *, norms: bool = False) -> Tensor | None:
        """One step along `signal`, by default that of the next batch; see `Network.step`."""
        signal = self.signal(self.weights()) if signal is None else signal
        sizes = self._step(signal, norms)
        self.losses = self._present_losses()
        return sizes

    def look(self) -> Tensor:
        """Fractions of the inputs that are classified correctly, shape (R,)."""
        return accuracy(self.network.outputs, self.labels)


class SampledDescent(Descending[ProbedNetwork]):
    """On batches of a training set, while the probes follow.

    `losses` are those of the latest batch before its step, and after a `look` those of the first
    training inputs, as many as there are test inputs.
    """

    def advance(self, *, norms: bool = False) -> Tensor | None:
        """One step along the gradient of the next batch; see `ProbedNetwork.step`."""
        batch = self._batches.indices()[self.alive].to(self.losses.device)
        outputs, targets = self.network.forward(batch), self.targets[batch]
        self.losses = self.loss.per_sample(outputs, targets).mean(dim=-1)
        signal = self.loss.gradient(outputs, targets) / batch.shape[1]
        return self._step(signal, norms)

    def look(self) -> Tensor:
        """Bring probes and losses up to date.

        Returns:
            Fractions of the training inputs shown that are classified correctly, shape (R,).
        """
        self.network.follow()
        outputs = self.network.train_outputs(self._shown)
        self.losses = self._shown_losses(outputs)
        return accuracy(outputs, self.labels[: self._shown])

    def _present_losses(self) -> Tensor:
        return self._shown_losses(self.network.train_outputs(self._shown))

    def _shown_losses(self, outputs: Tensor) -> Tensor:
        return self.loss.per_sample(outputs, self.targets[: self._shown]).mean(dim=-1)
