"""What a training changes, as dictionaries and lists of tensors and numbers, to be kept in a file.

Whatever changes has `state()`, which copies nothing and so holds only until the next step, and
`restore(state)`, for an object that the same code made from the same configuration.
"""

from collections.abc import Iterable
from typing import Any, ClassVar, Protocol

from torch import Tensor

State = dict[str, Any]


class Stateful(Protocol):
    """A training, or a part of one, that goes on where another stopped."""

    def state(self) -> State:
        """All that a training changes."""

    def restore(self, state: State) -> None:
        """Take over a `state`; tensors come to lie on the device of those whose place they take."""


def tensors(holder: object, names: Iterable[str]) -> State:
    """Attributes that are tensors, by name."""
    return {name: getattr(holder, name) for name in names}


def take_tensors(holder: object, names: Iterable[str], state: State) -> None:
    """Put `tensors` back, on the devices of those that are there.

    Raises:
        AttributeError: what is there is no tensor.
    """
    for name in names:
        held: Tensor = getattr(holder, name)
        setattr(holder, name, state[name].to(held.device))


class OfReplicas:
    """R replicas of something, all of whose state is in some tensors.

    Attributes:
        OF_REPLICAS: names of these tensors, whose first axis counts the replicas.
    """

    OF_REPLICAS: ClassVar[tuple[str, ...]]

    def state(self) -> State:
        """All of the tensors."""
        return tensors(self, self.OF_REPLICAS)

    def restore(self, state: State) -> None:
        """Take over a state."""
        take_tensors(self, self.OF_REPLICAS, state)

    def keep(self, replicas: Tensor) -> None:
        """Go on with these replicas alone."""
        for name in self.OF_REPLICAS:
            setattr(self, name, getattr(self, name)[replicas])
