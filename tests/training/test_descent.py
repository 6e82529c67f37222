"""The one step of gradient descent."""

import ast
from pathlib import Path

import pytest
import torch
from builders import CPU, both, dataset, rates_by_role, recipe

import infwidth
from infwidth.network.initialisation import initial_network, learning_rates
from infwidth.schemes import ROLES, SCHEMES, built_in
from infwidth.training.descent import Descent
from infwidth.training.train import train

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


def test_the_first_step_alone_has_its_rates() -> None:
    """Against a plain network, whose rates are changed by hand."""
    data, how, scheme = dataset(4, 12, 3), recipe(), built_in(3)["IP-LLR"]
    network, (plain,) = both(data, scheme, 24, [0], how)
    rates, first = (learning_rates(scheme, 24, how, first=each) for each in (False, True))
    descent = Descent(network, data, rates, [0], how.loss, None, first)
    of_role = {role: scheme.rate(role, 24, learning_rate=0.5, first=True) for role in ROLES}
    plain.rates = [of_role[role] for role in ("input", "hidden", "hidden", "output")]
    inputs, labels = torch.as_tensor(data.train_inputs), torch.as_tensor(data.train_labels)
    for _ in range(4):
        sizes = descent.advance(norms=True)
        assert sizes is not None
        expected = torch.tensor(plain.step(inputs, labels), dtype=torch.float64)
        # Of the input weights, what acts on the inputs is all that moves.
        torch.testing.assert_close(sizes[:, 0], expected)
        torch.testing.assert_close(network.outputs[0].T, plain.forward(inputs)[1].detach())
        plain.rates = rates_by_role(scheme, 24, how)


@pytest.mark.parametrize("layer", ["dense", "lazy"])
@pytest.mark.parametrize("name", SCHEMES)
def test_the_four_schemes_train_as_if_no_step_were_special(name: str, layer: str) -> None:
    data, how = dataset(16, 40, 4), recipe(layer=layer, precision="float32", steps=4, snapshots=9)
    record = train(data, SCHEMES[name], 32, (0, 1), how)
    network = initial_network(data, SCHEMES[name], 32, (0, 1), how, CPU)
    rates = learning_rates(SCHEMES[name], 32, how)
    targets = torch.nn.functional.one_hot(torch.as_tensor(data.train_labels), data.classes)
    for _ in range(how.steps):
        network.step((network.outputs - targets) / 16, rates)
    change = torch.stack([state.change.mT for state in network.hidden]).float().numpy()
    assert record.change[-1, 0].tobytes() == change.tobytes()
