"""The one step of gradient descent."""

import ast
from pathlib import Path

import pytest
import torch
from builders import CPU, dataset, recipe

import infwidth
from infwidth.network.initialisation import initial_network, learning_rates
from infwidth.schemes import SCHEMES
from infwidth.training.descent import Descent

SOURCE = Path(infwidth.__file__).parent


def steps_of(path: Path) -> list[str]:
    """What is stepped in a module, other than a layer, which its network steps."""
    calls = [
        node
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
    ]
    called = [ast.unparse(call.func) for call in calls]
    return [name for name in called if name.endswith(".step") and name != "super().step"]


def test_one_place_steps_networks() -> None:
    rooms = [path for path in SOURCE.rglob("*.py") if "network" not in path.parts[:-1]]
    found = {path.relative_to(SOURCE).as_posix(): steps_of(path) for path in rooms}
    stepping = {name: calls for name, calls in found.items() if calls}
    assert stepping == {"training/descent.py": ["self.network.step"]}


def start(seeds: range, batch_size: int | None = None) -> Descent:
    data, how = dataset(4, 12, 3), recipe()
    network = initial_network(data, SCHEMES["µP"], 32, seeds, how, CPU)
    rates = learning_rates(SCHEMES["µP"], 32, how)
    return Descent(network, data, rates, seeds, how.loss, batch_size)


def test_losses_are_those_of_the_outputs_as_they_are() -> None:
    descent = start(range(2))
    for _ in range(3):
        assert descent.losses.equal(descent.losses_of(descent.network.outputs))
        descent.advance()


@pytest.mark.parametrize("batch_size", [None, 2])
def test_a_signal_of_one_s_own_is_that_of_the_next_batch(batch_size: int | None) -> None:
    ours, theirs = start(range(2), batch_size), start(range(2), batch_size)
    for _ in range(3):
        ours.advance()
        theirs.advance(theirs.signal(theirs.weights(), theirs.network.outputs))
        assert ours.network.outputs.equal(theirs.network.outputs)


def test_who_is_kept_keeps_limit_and_batches() -> None:
    descent, alone = start(range(3), 2), start(range(2, 3), 2)
    descent.keep(torch.tensor([0, 2]))
    descent.keep(torch.tensor([1]))
    assert descent.alive.tolist() == [2]
    assert descent.weights().equal(alone.weights())
    edge = 1e6 * alone.losses.clamp(min=1.0)
    for losses, going in (
        (edge, True),
        (1.01 * edge, False),
        (edge / 0, False),
        (edge - edge / 0, False),
    ):
        assert bool(descent.going(losses)) == bool(alone.going(losses)) == going
