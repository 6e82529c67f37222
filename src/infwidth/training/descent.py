"""The step of gradient descent, and who is still going: every training of a network is this one."""

from collections.abc import Sequence

import torch
from torch import Tensor

from infwidth.datasets.prepare import PreparedDataset
from infwidth.network.losses import LOSSES, one_hot
from infwidth.network.mlp import Network, Rates
from infwidth.network.state import State, take_tensors, tensors
from infwidth.training.batches import Batches

# A loss this many times its initial value has left every regime of interest, though float32 could
# still hold it: the replica has diverged there rather than at its overflow.
DIVERGED_LOSS_RATIO = 1e6


class Descent:
    """R replicas of a network on their way down, full batch or in mini-batches.

    Attributes:
        network: the replicas that are kept.
        loss: of the outputs and `targets`.
        targets: one-hot, shape (N, classes).
        alive: indices of the replicas kept, of those at the start; on the CPU.
        losses: of the outputs as they are, means over samples, shape (R,).
    """

    def __init__(
        self,
        network: Network,
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
            data: its training inputs are those that the network runs on.
            rates: the learning rates of the L + 1 layers, from the input on.
            seeds: of the mini-batches.
            loss: one of `LOSSES`.
            batch_size: None is full batch.
            first_rates: those of the first step, if they are others.
        """
        labels = torch.as_tensor(data.train_labels, device=network.outputs.device)
        self.network = network
        self.loss = LOSSES[loss]
        self.targets = one_hot(labels, data.classes)
        self.alive = torch.arange(len(seeds))
        self.losses = self.losses_of(network.outputs)
        self._limits = DIVERGED_LOSS_RATIO * self.losses.clamp(min=1.0)
        self._rates, self._first_rates = rates, first_rates or rates
        self._taken = 0
        self._batches = Batches(seeds, len(labels), batch_size)

    @property
    def rates(self) -> Rates:
        """The learning rates of the next step."""
        return self._rates if self._taken else self._first_rates

    def losses_of(self, outputs: Tensor) -> Tensor:
        """Means over samples, shape (R,), of outputs of shape (R, N, classes)."""
        return self.loss.per_sample(outputs, self.targets).mean(dim=-1)

    def going(self, losses: Tensor | None = None) -> Tensor:
        """Which replicas have not diverged, at their own losses or at others; shape (R,)."""
        losses = self.losses if losses is None else losses
        return losses.isfinite() & (losses <= self._limits)

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
        sizes = self.network.step(signal, self.rates, norms=norms)
        self._taken += 1
        self.losses = self.losses_of(self.network.outputs)
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
