import sys
from itertools import islice

import numpy as np
import pytest
import torch
from torch import nn

from resonaut.core.errors import ConfigError, NotFiniteError
from resonaut.learn import training
from resonaut.learn.progress import Progress


class Script:
    """Models whose losses at each epoch are given, one column a model; notes which states are kept."""

    def __init__(self, losses):
        self.losses, self.epoch = torch.tensor(losses), 0
        self.here = torch.arange(self.losses.shape[1])
        self.kept, self.seen = {}, []

    def advance(self):
        self.epoch += 1
        self.seen.append(self.here.tolist())

    def loss(self):
        return self.losses[self.epoch - 1, self.here]

    def keep(self, better):
        self.kept |= dict.fromkeys(self.here[better].tolist(), self.epoch)

    def leave(self, patient):
        self.here = self.here[patient]


def run(losses, patience):
    script = Script(losses)
    return script, training.run(script, len(losses[0]), len(losses), patience, "a network", "some.learning_rate")


LOSSES = [[3.0, 3.0], [1.0, 2.0], [2.0, 4.0], [2.0, 1.0], [0.5, 5.0]]


def test_each_models_best_state_is_kept():
    script, best = run(LOSSES, None)
    assert script.kept == {0: 5, 1: 4} == dict(enumerate(best.epoch.tolist()))
    assert best.loss.tolist() == [0.5, 1.0]
    assert script.seen == [[0, 1]] * 5


def test_a_model_leaves_when_its_patience_ends_and_the_loop_with_the_last():
    script, best = run(LOSSES, 1)
    assert script.seen == [[0, 1]] * 3
    assert best.loss.tolist() == [1.0, 2.0]
    script, best = run([[1.0, 5.0], [2.0, 4.0], [2.0, 3.0], [0.1, 2.0], [0.1, 1.0]], 2)
    assert script.seen == [[0, 1]] * 3 + [[1]] * 2
    assert script.kept == {0: 1, 1: 5}


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_loss_that_is_not_finite_ends_in_a_sentence(value):
    with pytest.raises(NotFiniteError, match=r"^the training of a network diverged in epoch 2; lower some\.learning_r"):
        run([[1.0, 1.0], [0.5, value]], None)


def line(learning_rate=0.1, held_out=None, **how):
    """A slope trained to be 3, in epochs of two batches."""
    x = torch.linspace(-1, 1, 64)[:, None]
    module = training.untrained(lambda: nn.Linear(1, 1), 1)
    optimizer = torch.optim.SGD(module.parameters(), learning_rate)
    history = training.fit(
        module,
        lambda rows: (module(x[rows]) - 3 * x[rows]).square().mean(),
        training.shuffled(64, 32, torch.Generator().manual_seed(1)),
        optimizer,
        20,
        held_out=held_out and (lambda: held_out(module)),
        what="a line",
        key="line.learning_rate",
        **how,
    )
    return module, history


def test_a_network_learns_and_ends_in_evaluation():
    module, history = line()
    assert module.weight.item() == pytest.approx(3, abs=0.5)
    assert not module.training
    assert len(history.training) == 20
    assert history.training[-1] < 0.1 * history.training[0]
    assert history.held_out == []


def test_the_best_state_comes_back_only_where_it_is_asked_for():
    slopes = []

    def far(module):
        """Smallest where the slope passes 1."""
        slopes.append(module.weight.item())
        return (slopes[-1] - 1) ** 2

    module, history = line(held_out=far, keep_best=True)
    assert module.weight.item() == slopes[np.argmin(history.held_out)] != slopes[-1]
    slopes.clear()
    module, _ = line(held_out=far)
    assert module.weight.item() == slopes[-1]
    slopes.clear()
    _, history = line(held_out=far, patience=2)
    assert len(history.held_out) == np.argmin(history.held_out) + 3 < 20


def test_a_network_that_diverges_names_the_key():
    with pytest.raises(NotFiniteError, match=r"a line diverged in epoch \d+; lower line\.learning_rate"):
        line(learning_rate=1e30)


def test_every_epoch_holds_all_rows_once_in_an_order_of_its_own():
    first, second = islice(training.shuffled(10, 4, torch.Generator().manual_seed(1)), 2)
    assert [len(rows) for rows in first] == [4, 4, 2]
    assert sorted(torch.cat(first).tolist()) == sorted(torch.cat(second).tolist()) == list(range(10))
    assert torch.cat(first).tolist() != torch.cat(second).tolist()


def test_the_rate_rises_and_falls():
    optimizer = torch.optim.Adam([nn.Parameter(torch.zeros(1))], 1.0)
    rate, seen = training.one_cycle(optimizer, 1.0, 10, rising=0.2), []
    for _ in range(10):
        seen.append(rate.get_last_lr()[0])
        optimizer.step()
        rate.step()
    assert np.argmax(seen) == 1
    assert max(seen) == pytest.approx(1)
    assert seen[-1] < 1e-3
    assert training.one_cycle(optimizer, 1.0, 1).get_last_lr()[0] > 0.5


def test_first_weights_follow_from_the_seed_and_the_global_generator_stays():
    torch.manual_seed(7)
    state = torch.get_rng_state()
    one, same, other = (training.untrained(lambda: nn.Linear(2, 2), seed).weight for seed in (1, 1, 2))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)
    assert torch.equal(state, torch.get_rng_state())


def test_the_rate_warms_up_evenly_and_falls_as_a_cosine():
    optimizer = torch.optim.Adam([nn.Parameter(torch.zeros(1))], 1.0)
    rate, seen = training.warm_up_cosine(optimizer, 2.0, 8, rising=0.25), []
    for _ in range(8):
        seen.append(rate.get_last_lr()[0])
        optimizer.step()
        rate.step()
    falling = 1 + np.cos(np.pi * np.arange(6) / 6)
    np.testing.assert_allclose(seen, [2 / 3, 4 / 3, *falling])
    assert rate.get_last_lr()[0] == pytest.approx(0)


def test_batches_whose_gradients_are_added_up_are_one_large_batch():
    module, history = line()
    small = training.untrained(lambda: nn.Linear(1, 1), 1)
    x = torch.linspace(-1, 1, 64)[:, None]

    def halves():
        for pair in training.shuffled(64, 32, torch.Generator().manual_seed(1)):
            yield [half for rows in pair for half in rows.split(16)]

    found = training.fit(
        small,
        lambda rows: (small(x[rows]) - 3 * x[rows]).square().mean(),
        halves(),
        torch.optim.SGD(small.parameters(), 0.1),
        20,
        steps=training.Steps(accumulate=2),
        what="a line",
        key="line.learning_rate",
    )
    torch.testing.assert_close(small.weight, module.weight)
    np.testing.assert_allclose(found.training, history.training, rtol=1e-5)


def test_products_are_in_half_precision_and_weights_are_not():
    seen = []

    class Layer(nn.Linear):
        def forward(self, x):
            seen.append(super().forward(x).dtype)
            return super().forward(x).float()

    module = training.untrained(lambda: Layer(1, 1), 1)
    training.fit(
        module,
        lambda rows: module(rows[:, None].float()).square().mean(),
        [[torch.arange(4)]],
        torch.optim.SGD(module.parameters(), 0.1),
        1,
        held_out=lambda: module(torch.ones(1, 1)).item(),
        steps=training.Steps(precision=torch.bfloat16),
        what="a line",
        key="line.learning_rate",
    )
    assert seen == [torch.bfloat16, torch.float32]
    assert module.weight.dtype == torch.float32


def test_progress_is_a_table_and_events_of_tensorboard(tmp_path, monkeypatch):
    progress = Progress(tmp_path / "loss.csv", tmp_path / "board")
    _, history = line(watch=progress, held_out=lambda module: module.weight.item() ** 2)
    rows = (tmp_path / "loss.csv").read_text().splitlines()
    assert rows[0] == "epoch,learning_rate,training,held_out"
    assert [float(row.split(",")[2]) for row in rows[1:]] == history.training
    assert rows[-1].startswith("20,0.1,")
    progress.writer.close()
    reader = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    events = reader.EventAccumulator(str(tmp_path / "board")).Reload()
    np.testing.assert_allclose([one.value for one in events.Scalars("held_out")], history.held_out, rtol=1e-6)
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(ConfigError, match="--tensorboard needs the package tensorboard, which is not installed"):
        Progress(None, tmp_path / "board")
