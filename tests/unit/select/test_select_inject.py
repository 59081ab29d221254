"""Drawing of pseudo-data and signal, experiments with injected signal, and their comparison."""

from dataclasses import replace

import awkward as ak
import numpy as np
import pytest
from typer.testing import CliRunner

from resonaut.core.collisions import Collisions
from resonaut.core.errors import ConfigError, EmptySelectionError, InputFileError
from resonaut.core.events import KEY, Dataset, iterate
from resonaut.core.events import columns as columns_of
from resonaut.core.events import write as write_events
from resonaut.core.results import read, write
from resonaut.select import base, drawing, results
from resonaut.select.benchmark import benchmark
from resonaut.select.cli import app
from resonaut.select.drawing import Injection
from resonaut.select.improvement import improvement
from resonaut.select.inject import Experiment, inject
from resonaut.select.regions import Regions
from resonaut.select.settings import CombinationSettings

NOTHING = Injection(amount=0, unit="fb", luminosity=None, systematics=False, seed=1)


@pytest.fixture
def pool(write_dataset, toys) -> Collisions:
    """Pseudo-data of 10/fb without a signal."""
    background = {"luminosity": 10.0, "cross_section": None}
    return Collisions.open([write_dataset("pool", "pseudo_data", [toys(3500, 11), toys(3500, 12)], **background)])


@pytest.fixture
def signal(manifests) -> Dataset:
    return Dataset.open(manifests["signal"])


def test_all_data_are_taken_and_part_of_a_pool(manifests, pool):
    data = Collisions.open([manifests["data"]])
    mask, luminosity, shared = drawing.draw_base(data, 100, NOTHING)
    assert mask.all()
    assert (luminosity, shared) == (10, 1)
    numbers = [drawing.draw_base(pool, 7000, replace(NOTHING, luminosity=2.0, seed=s))[0].sum() for s in range(300)]
    # Of a given pool binomial with a probability of 0.2; the pool itself is Poisson.
    assert np.mean(numbers) == pytest.approx(1400, abs=4 * np.sqrt(1400 * 0.8 / 300))
    assert np.var(numbers) == pytest.approx(1400 * 0.8, rel=4 * np.sqrt(2 / 300))
    first, again, other = (
        drawing.draw_base(pool, 7000, replace(NOTHING, luminosity=2.0, seed=s))[0] for s in (1, 1, 2)
    )
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_other_amounts_are_put_into_other_events(pool):
    """Else the trainings with neighbouring amounts would differ less than independent ones."""
    third = replace(NOTHING, luminosity=2.5)
    one, other = (drawing.draw_base(pool, 7000, replace(third, amount=amount))[0] for amount in (5.0, 10.0))
    assert (one & other).mean() == pytest.approx(0.25**2, abs=4 * 0.25 / np.sqrt(7000))


@pytest.mark.parametrize("luminosity", [2.0, 3.0, 10.0])
def test_seeds_share_no_events_until_the_pool_is_used_up(pool, luminosity):
    n = int(10 / luminosity)
    drawn = [drawing.draw_base(pool, 7000, replace(NOTHING, luminosity=luminosity, seed=s))[0] for s in range(2 * n)]
    for deal in (drawn[:n], drawn[n:]):
        taken = np.sum(deal, axis=0)
        assert taken.max() == 1
        expected = n * luminosity / 10
        assert taken.mean() == pytest.approx(expected, abs=4 * np.sqrt(expected * (1 - expected) / 7000))
    if n > 1:
        # Dealt afresh: of the events in one part a fraction of 1 / n is in the same one again.
        assert (drawn[0] & drawn[n]).mean() == pytest.approx((luminosity / 10) ** 2, abs=0.012)


def test_what_cannot_be_drawn_is_said(manifests, pool):
    half = replace(NOTHING, luminosity=5.0)
    with pytest.raises(ConfigError, match=r"5/fb cannot be drawn from 'data', data of 10/fb; give null"):
        drawing.draw_base(Collisions.open([manifests["data"]]), 10, half)
    with pytest.raises(ConfigError, match=r"20/fb cannot be drawn from 'pool', pseudo-data of 10/fb"):
        drawing.draw_base(pool, 10, replace(NOTHING, luminosity=20.0))


def test_signal_is_drawn_by_weight_without_replacement(settings, signal, toys):
    events, window = toys(4000, 5, signal=True), settings.windows["w3500"]
    weights = np.where(np.arange(4000) % 2 == 0, 3e-3, 1e-3)
    drawn = [
        drawing.draw_signal(
            signal,
            events,
            weights,
            window,
            10.0,
            Injection(amount=2.0, unit="fb", luminosity=None, systematics=False, seed=seed),
        ).mask
        for seed in range(200)
    ]
    # 8 fb of weight, 2 times as much, and 10/fb.
    numbers = [mask.sum() for mask in drawn]
    assert np.mean(numbers) == pytest.approx(160, abs=4 * np.sqrt(160 / 200))
    heavy = np.sum([mask[::2].sum() for mask in drawn]) / np.sum(numbers)
    # Few of many: three of four are of the heavy kind.
    assert heavy == pytest.approx(0.75, abs=0.01 + 4 * np.sqrt(0.75 * 0.25 / np.sum(numbers)))


def test_a_number_of_events_is_drawn_exactly(settings, signal, toys):
    events, window = toys(4000, 5, signal=True), settings.windows["w3500"]
    inside = Regions.of(ak.to_numpy(events.m_jj), window).signal
    for amount in (0, 1, 300):
        injected = Injection(amount=amount, unit="events", luminosity=None, systematics=False, seed=3)
        chosen = drawing.draw_signal(signal, events, np.ones(4000), window, 1.0, injected).mask
        assert (chosen & inside).sum() == amount
    # And as many outside as belong to them.
    assert chosen.sum() == pytest.approx(300 / inside.mean(), abs=15)


def test_the_events_left_stand_for_those_drawn(settings, signal, toys):
    """Sums over what is left are unbiased for what depends on the weight, also where the probabilities are capped."""
    events, window = toys(2000, 5, signal=True), settings.windows["w3500"]
    rng = np.random.default_rng(3)
    gauss = rng.normal(size=2000)
    weights, selected = np.exp(0.7 * gauss), gauss > 0.5
    weights /= weights.sum()
    for part in (0.1, 0.3, 0.45):
        injected = Injection(amount=2000 * part, unit="fb", luminosity=None, systematics=False, seed=0)
        sums = []
        for seed in range(100):
            drawn = drawing.draw_signal(signal, events, weights, window, 1.0, replace(injected, seed=seed))
            mask, remaining = drawn.mask, drawn.remaining
            assert mask.sum() == pytest.approx(2000 * part, abs=5 * np.sqrt(2000 * part))
            assert not remaining[mask].any()
            left = weights * remaining
            sums.append([left.sum(), left[selected].sum()])
            assert remaining.max() <= 1 / (1 - drawing.MOST_LIKELY) * (1 + 1e-9)
        mean, error = np.mean(sums, axis=0), np.std(sums, axis=0) / 10
        assert mean == pytest.approx([1, weights[selected].sum()], abs=4.5 * error.max())
        assert error.max() < 0.006


def test_events_of_no_or_negative_weight_are_not_drawn(settings, signal, toys):
    weights = np.ones(400)
    weights[:100], weights[100:150] = 0, -1
    mask = drawing.draw_signal(
        signal,
        toys(400, 5, signal=True),
        weights,
        settings.windows["w3500"],
        1.0,
        Injection(amount=100.0, unit="events", luminosity=None, systematics=False, seed=1),
    ).mask
    assert mask[150:].sum() == mask.sum() == 100


def test_too_little_simulated_signal_stops(settings, signal, toys):
    with pytest.raises(
        EmptySelectionError, match=r"'signal' has 100 events and select.injection wants \d+ of them, more"
    ):
        drawing.draw_signal(
            signal,
            toys(100, 5, signal=True),
            np.ones(100),
            settings.windows["w3500"],
            1.0,
            Injection(amount=60.0, unit="events", luminosity=None, systematics=False, seed=1),
        )


def test_only_a_large_shift_of_a_feature_counts():
    rng = np.random.default_rng(1)
    features = rng.normal(size=(20_000, 2)).astype(np.float32)
    nominal = np.ones(20_000)
    # In ten bins with 100 events each, 0.2 standard deviations are 2 %.
    slope = features[:, 1] / np.abs(features[:, 1]).max()
    for size, large in ((0.01, False), (0.2, True)):
        assert drawing.shifts_a_feature(features, nominal, 1 + size * slope, 1000) == large
    # Less signal has larger errors.
    assert not drawing.shifts_a_feature(features, nominal, 1 + 0.2 * slope, 10)


def test_the_improvement_has_known_values():
    background = np.arange(1000) + 0j
    # Half of the signal above all background, half below.
    signal = np.r_[np.full(50, 2000), np.full(50, -1)] + 0j
    result = improvement(signal, background, [0.1, 0.01])
    assert result.max == pytest.approx(0.5 / np.sqrt(0.025))
    assert result.background_efficiency == 0.025
    assert result.at == {"0.1": pytest.approx(0.5 / np.sqrt(0.1)), "0.01": None}
    assert improvement(signal, background[:20], [0.1]).max is None
    # The half above has a third of the weight.
    weighted = improvement(signal, background, [0.1], np.repeat([1.0, 2.0], 50))
    assert weighted.at["0.1"] == pytest.approx(1 / 3 / np.sqrt(0.1))
    # A signal like background: keeping all is best, or nearly.
    same = improvement(np.random.default_rng(1).permutation(background)[:500], background, [0.1])
    assert same.max == pytest.approx(1, abs=0.3)


def experiment(settings, data, signal, injection, method="cwola") -> Experiment:
    return Experiment(settings, method, "w3500", data, signal, [], [], [], injection)


def test_an_experiment_measures_with_events_that_were_not_injected(settings, pool, signal):
    result = inject(
        experiment(settings, pool, signal, Injection(amount=50.0, unit="fb", luminosity=5.0, systematics=False, seed=2))
    )
    injection = result.injection
    # 0.8 fb of weight for 1 fb, 5/fb.
    assert injection.events == pytest.approx(200, abs=4 * np.sqrt(200))
    assert 0 < injection.events_in_signal_region <= injection.events
    assert result.luminosity == 5
    counts = result.counts
    events = sum(region.events for region in vars(counts).values())
    assert events - injection.events == pytest.approx(3500, abs=4 * np.sqrt(3500))
    (entry,) = result.signals
    assert entry.acceptance == pytest.approx(0.8)
    # The efficiency is scaled up from those that were not drawn, to all.
    assert 0.03 < entry.efficiency <= 0.8
    assert (injection.base, injection.base_reason) == ("pseudo_data", None)
    assert result.improvement.signal_events == pytest.approx((800 - injection.events) * 0.998, abs=8)
    assert result.improvement.max > 2
    assert result.improvement.background_events > counts.signal_region.events


def test_experiments_repeat_and_seeds_differ(settings, pool, signal):
    one, again, other = (
        inject(
            experiment(
                settings, pool, signal, Injection(amount=20.0, unit="fb", luminosity=5.0, systematics=False, seed=seed)
            )
        )
        for seed in (2, 2, 3)
    )
    assert one == again
    # A pool twice as large is enough for two experiments; the third has half of its events from each.
    assert [result.injection.shared for result in (one, other)] == [0.5, 0.5]
    first = inject(
        experiment(settings, pool, signal, Injection(amount=20.0, unit="fb", luminosity=5.0, systematics=False, seed=1))
    )
    assert first.injection.shared < 0.1
    assert one.injection.events != other.injection.events or one.counts != other.counts


def test_data_have_no_improvement(settings, manifests, signal):
    result = inject(experiment(settings, Collisions.open([manifests["data"]]), signal, NOTHING, "inclusive"))
    assert result.improvement is None
    assert result.injection.events == 0
    assert result.injection.base == "data"
    assert (
        result.injection.base_reason
        == "there are no pseudo-data, and no simulation that the method does not learn from"
    )
    assert result.signals[0].efficiency == pytest.approx(0.8)


@pytest.fixture
def simulation(write_dataset, toys) -> Dataset:
    """10,000 events that stand for 5,000 of the data's 10/fb, of one weight in each half."""
    events = ak.with_field(toys(10_000, 21), np.repeat([1.5, 0.5], 5000), "gen_weight")
    return Dataset.open(write_dataset("mc", "background", [events], weight_scale=0.05, cross_section=500.0))


def draw(data, simulation, injection=NOTHING, weighted=(), held_out=False):
    return base.draw(data, [simulation], ["m_jj"], [], injection, weighted={"mc": weighted}, held_out=held_out)


def test_simulation_is_drawn_to_the_luminosity_of_the_data(manifests, simulation):
    data = Collisions.open([manifests["data"]])
    drawn = [draw(data, simulation, replace(NOTHING, seed=seed)) for seed in range(20)]
    assert {(one.name, one.kind, one.luminosity, one.reason) for one in drawn} == {("mc", "background", 10.0, None)}
    numbers = [len(one.events) for one in drawn]
    # Of 5000 with a probability of 0.75, and as many of 0.25.
    error = np.sqrt(2 * 5000 * 0.75 * 0.25 / 20)
    assert np.mean(numbers) == pytest.approx(5000, abs=4.5 * error)
    heavy = np.mean([np.mean(ak.to_numpy(one.events.event) < 5000) for one in drawn])
    assert heavy == pytest.approx(0.75, abs=0.01)
    # The events and no weights: they count as data.
    assert set(drawn[0].events.fields) == {*KEY, "m_jj"}
    # Sum of p^2 over that of p; and so many are in two draws.
    both = np.intersect1d(*(ak.to_numpy(one.events.event) for one in drawn[:2]))
    assert drawn[0].shared == pytest.approx(0.75**2 + 0.25**2)
    assert len(both) / 5000 == pytest.approx(drawn[0].shared, abs=0.04)
    assert len(set(ak.to_list(drawn[0].events.event))) == numbers[0]
    assert len(draw(data, simulation, replace(NOTHING, luminosity=2.0)).events) == pytest.approx(1000, abs=150)


def test_simulation_is_drawn_with_its_corrections_and_without_what_trained_the_tagger(
    manifests, simulation, write_friend, tmp_path
):
    data, path = Collisions.open([manifests["data"]]), tmp_path / "skim" / "mc.json"
    write_friend(path, "reweight", lambda batch: {"reweight": np.where(ak.to_numpy(batch.m_jj) > 3000, 0.0, 1.0)})
    events = draw(data, simulation, weighted=("reweight",)).events
    assert ak.max(events.m_jj) <= 3000
    write_friend(path, "tag", lambda batch: {"tag_train": ak.to_numpy(batch.event) % 4 == 0})
    sparse = replace(NOTHING, luminosity=5.0)
    one = base.draw(data, [simulation], ["m_jj"], ["tag"], sparse, weighted={}, held_out=True)
    assert not np.any(ak.to_numpy(one.events.event) % 4 == 0)
    # The others stand for those.
    assert len(one.events) == pytest.approx(2500, abs=4.5 * np.sqrt(2500))


def test_where_simulation_is_short_the_data_are_taken_and_it_is_said(settings, manifests, simulation, signal):
    data = Collisions.open([manifests["data"]])
    plenty = replace(simulation, manifest=replace(simulation.manifest, weight_scale=0.1))
    short = draw(data, plenty)
    assert (short.name, short.kind, len(short.events)) == ("data", "data", 6060)
    assert short.reason == "10000 events of mc cannot make up the 10000 of 10/fb"
    job = replace(experiment(settings, data, signal, NOTHING, "inclusive"), simulation=[plenty])
    assert inject(job).injection.base_reason == short.reason
    enough = inject(
        replace(
            job,
            simulation=[simulation],
            injection=Injection(amount=5.0, unit="fb", luminosity=None, systematics=False, seed=1),
        )
    )
    assert (enough.data, enough.luminosity, enough.injection.base) == ("mc", 10.0, "background")
    assert enough.improvement.max is not None


def test_combinations_are_not_trained(settings, pool, signal):
    both = replace(settings, combinations={"both": CombinationSettings(methods=["cwola", "inclusive"], rule="maximum")})
    with pytest.raises(ConfigError, match="'both' combines others' scores"):
        inject(experiment(both, pool, signal, NOTHING, "both"))


def test_large_variations_of_the_lund_weights_are_trained_again(settings, pool, signal, write_friend, manifests):
    write_friend(manifests["signal"], "calibrate", lund_weights_by_mass, VARIATIONS)
    # m_jj is no feature, but with a shift it is in the masses.
    moved = replace(settings, mass_shift=1.0)
    injected = Injection(amount=20.0, unit="fb", luminosity=5.0, systematics=True, seed=2)
    result = inject(replace(experiment(moved, pool, signal, injected), weighted={"signal": ["calibrate"]}))
    assert set(result.injection.retrained) == {"lund_b_up", "lund_b_down"}
    assert all(change != 0 for change in result.injection.retrained.values())
    assert set(result.signals[0].uncertainties) == {"lund_a", "lund_b"}


def test_where_nothing_is_learned_training_again_finds_what_the_evaluation_finds(
    settings, pool, signal, write_friend, manifests
):
    rng = np.random.default_rng(7)

    def scores(batch, qcd=None):
        qcd = rng.uniform(0.1, 1, len(batch)) if qcd is None else qcd
        return {f"{jet}_part_qcd": qcd.astype(np.float32) for jet in ("j1", "j2")} | {"tag_train": qcd > 1}

    def selected_if_heavy(batch):
        return scores(batch, np.where(ak.to_numpy(batch.m_jj) > 3500, 0.0, 0.9))

    write_friend(manifests["signal"], "calibrate", lund_weights_by_mass, VARIATIONS)
    (sample,) = pool.datasets
    write_friend(sample.results / "skim" / "pool.json", "tag", scores)
    write_friend(manifests["signal"], "tag", selected_if_heavy)
    moved = replace(settings, mass_shift=1.0)
    injected = Injection(amount=20.0, unit="fb", luminosity=5.0, systematics=True, seed=2)
    result = inject(replace(experiment(moved, pool, signal, injected, "tagger"), weighted={"signal": ["calibrate"]}))
    up, down = result.signals[0].uncertainties["lund_b"]
    assert min(abs(up), abs(down)) > 0.5
    # The draws of about 100 of 800 events differ, which leaves others to measure with.
    assert result.injection.retrained == pytest.approx({"lund_b_up": up, "lund_b_down": down}, rel=0.2)


def test_the_efficiency_is_that_of_all_events_where_the_heavy_ones_were_injected(
    settings, pool, write_dataset, write_friend, toys
):
    def scores(heavy):
        qcd = np.where(heavy, 0.0, 0.9).astype(np.float32)
        return {f"{jet}_part_qcd": qcd for jet in ("j1", "j2")} | {"tag_train": np.zeros(len(heavy), dtype=bool)}

    events = toys(800, 4, signal=True)
    heavy = ak.to_numpy(events.m_jj) > 3500
    events = ak.with_field(events, np.where(heavy, 1.6, 0.4), "gen_weight")
    steep = write_dataset("steep", "signal", [events], weight_scale=1e-3)
    write_friend(steep, "tag", lambda batch: scores(ak.to_numpy(batch.m_jj) > 3500))
    (sample,) = pool.datasets
    write_friend(sample.results / "skim" / "pool.json", "tag", lambda batch: scores(np.zeros(len(batch), dtype=bool)))
    job = experiment(
        settings,
        pool,
        Dataset.open(steep),
        Injection(amount=80.0, unit="fb", luminosity=5.0, systematics=False, seed=2),
        "tagger",
    )
    result = inject(job)
    # Four of ten events, of which most are heavy.
    assert result.injection.events > 270
    assert result.signals[0].efficiency == pytest.approx(1.6e-3 * heavy.sum(), rel=0.05)


VARIATIONS = ("nominal", "a_up", "a_down", "b_up", "b_down")


def lund_weights_by_mass(batch) -> dict[str, np.ndarray]:
    """The variation a changes nothing, b up gives pairs above 3500 GeV 25 times the weight, b down the others."""
    steep = np.where(ak.to_numpy(batch.m_jj) > 3500, 5.0, 1.0)
    columns = {}
    for jet in ("j1", "j2"):
        columns[f"lund_weight_{jet}"] = np.ones(len(batch))
        columns[f"lund_weight_a_up_{jet}"] = np.ones(len(batch))
        columns[f"lund_weight_a_down_{jet}"] = np.ones(len(batch))
        columns[f"lund_weight_b_up_{jet}"] = steep
        columns[f"lund_weight_b_down_{jet}"] = 1 / steep
    return columns


def test_the_command_and_the_comparison(config, pool, manifests, tmp_path, settings):
    paths = []
    for seed in (0, 1, 2):
        output = tmp_path / f"300_{seed}.json"
        command = ["inject", "--config", config, "--method", "cwola", "--window", "w3500"]
        command += ["--data", tmp_path / "skim/pool.json", "--signal", manifests["signal"], "--amount", "60"]
        command += ["--unit", "events", "--seed", seed, "--luminosity", "5", "--output", output]
        command += ["--evaluation", manifests["qcd"]]
        CliRunner().invoke(app, list(map(str, command)), catch_exceptions=False)
        paths.append(output)
    (row,) = benchmark(paths)
    assert (row.method, row.signal, row.amount, row.unit) == ("cwola", "signal", 60, "events")
    assert row.experiments == 3
    assert row.events_in_signal_region == results.Band(median=60, low=60, high=60)
    written = [read(path, results.Experiment) for path in paths]
    found = sorted(one.improvement.max for one in written)
    assert row.max_improvement.median == found[1]
    assert found[0] <= row.max_improvement.low <= found[1] <= row.max_improvement.high <= found[2]
    into_data = tmp_path / "into_data.json"
    write(into_data, replace(written[0], improvement=None))
    with pytest.raises(InputFileError, match=r"into_data\.json: no significance improvement of injected signal"):
        benchmark([*paths, into_data])


def test_events_that_pass_only_in_a_variation_are_not_injected(settings, pool, manifests, add_failing):
    drawn = Injection(amount=50.0, unit="fb", luminosity=5.0, systematics=False, seed=2)
    before = inject(experiment(settings, pool, Dataset.open(manifests["signal"]), drawn))
    assert add_failing(manifests["signal"])
    after = inject(experiment(settings, pool, Dataset.open(manifests["signal"]), drawn))
    assert after.injection == before.injection
    assert after.counts == before.counts
    assert after.improvement == before.improvement
    (one,), (other,) = before.signals, after.signals
    assert replace(other, weights={}, moved={}, spectrum=one.spectrum) == one
    assert other.spectrum == one.spectrum


def test_a_shift_of_nothing_moves_nothing_also_where_events_are_injected(settings, pool, manifests):
    """The events left stand for those drawn, in the variation as nominally."""
    path = manifests["signal"]
    chunk = path.with_suffix("") / "000.parquet"
    content = list(iterate([chunk], [name for name in columns_of(chunk) if name not in KEY]))
    write_events(chunk, [ak.with_field(batch, np.ones(len(batch), bool), "passes") for batch in content], {})
    path.write_text(
        path.read_text().replace('"variations": {}', '"variations": {"jes_up": "jets", "jes_down": "jets"}')
    )
    drawn = Injection(amount=50.0, unit="fb", luminosity=5.0, systematics=False, seed=2)
    (found,) = inject(experiment(settings, pool, Dataset.open(path), drawn)).signals
    assert found.weights["jets"].uncertainties == {"jes": (0.0, 0.0)}
    assert found.moved == {"jets_jes": results.Moved(position=(0.0, 0.0), width=(0.0, 0.0))}
