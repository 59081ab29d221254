import awkward as ak
import numpy as np

from resonaut.core import identifier


def make(n: int, run: int = 1) -> ak.Array:
    number = np.arange(n, dtype=np.int64)
    return ak.zip({"run": np.full(n, run, np.int64), "luminosityBlock": number // 100, "event": number})


def test_the_hash_belongs_to_the_event_and_not_to_its_row():
    events = make(1000)
    order = np.random.default_rng(1).permutation(1000)
    keys = identifier.keys(events)
    assert np.array_equal(identifier.keys(events[order]), keys[order])
    assert np.array_equal(np.concatenate([identifier.keys(events[:10]), identifier.keys(events[10:])]), keys)


def test_every_part_of_the_identifier_counts():
    events = make(1000)
    for name in ("run", "luminosityBlock", "event"):
        changed = ak.with_field(events, events[name] + 1, name)
        assert not np.any(identifier.keys(changed) == identifier.keys(events))
    assert len(np.unique(identifier.keys(events))) == 1000


def test_the_hash_is_the_same_on_every_machine():
    assert identifier.keys(make(2)).tolist() == [12793040940332582595, 7806873273932414515]


def test_folds_are_even_and_change_with_the_seed():
    keys = identifier.keys(make(50_000))
    first, second = identifier.folds(keys, 5, seed=1), identifier.folds(keys, 5, seed=2)
    # 5 standard deviations of a binomial count.
    assert np.all(np.abs(np.bincount(first) - 10_000) < 5 * np.sqrt(50_000 * 0.2 * 0.8))
    assert abs(np.mean(first == second) - 0.2) < 0.01


def test_uniform_numbers_are_uniform_in_every_fold():
    keys = identifier.keys(make(50_000))
    numbers, folds = identifier.uniform(keys, seed=0), identifier.folds(keys, 5, seed=1)
    assert 0 <= numbers.min() < numbers.max() < 1
    for fold in range(5):
        counts, _ = np.histogram(numbers[folds == fold], bins=10, range=(0, 1))
        assert np.sum((counts - counts.mean()) ** 2 / counts.mean()) < 30  # chi2 of 9, p = 4e-4
