"""Rerun exactness: a stage reruns exactly when its own code or its own configuration changed."""

import os
import re
import shutil
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
import yaml

pytestmark = pytest.mark.xdist_group("finished")


@contextmanager
def edited(path: Path, text: str):
    """The file with ``text`` appended, and afterwards as it was."""
    before = path.read_text()
    path.write_text(before + text)
    try:
        yield
    finally:
        path.write_text(before)


def test_second_run_has_nothing_to_do(finished) -> None:
    assert finished.planned() == set()


@pytest.mark.parametrize(
    ("source", "stages"),
    [
        ("fit/cli.py", {"fit", "report"}),
        ("report/cli.py", {"report"}),
        # The calibration's summary shows the taggers' scores.
        ("tag/cli.py", {"tag", "calibrate", "select", "fit", "report"}),
        ("core/events.py", {"skim", "tag", "calibrate", "reweight", "select", "fit", "report"}),
        ("cli.py", set()),
    ],
)
def test_code_edit_reruns_its_stage_and_what_follows(finished, source, stages) -> None:
    with edited(finished.path / "src" / "resonaut" / source, "\n# an edit\n"):
        assert finished.stages() == stages


@pytest.mark.parametrize(
    ("sources", "rules"),
    [
        # The first page shows the limits.
        (["fit/limits.py", "catalogue.py"], {"report_limits", "report_front_page"}),
        (
            ["fit/nuisances.py", "calibrate/observables.py", "select/injections.py"],
            {"report_nuisances", "report_observables"},
        ),
    ],
)
def test_a_figure_s_code_draws_this_one_again(finished, sources, rules) -> None:
    with ExitStack() as edits:
        for source in sources:
            edits.enter_context(edited(finished.path / "src" / "resonaut" / "report" / source, "\n# an edit\n"))
        assert finished.planned() == rules


def test_a_new_figure_is_one_file_and_its_caption(finished) -> None:
    """It is found, drawn, and draws no other again."""
    module, result = finished.path / "src/resonaut/report/skim/selected.py", "results/report/selected.png"
    shutil.copy("tests/data/figure.py", module)
    module.with_suffix(".rst").write_text("Events of each dataset.\n")
    try:
        assert finished.planned() == {"report_selected"}
        run = finished.snakemake()
        assert run.returncode == 0, run.stderr
        assert (finished.path / result).read_bytes().startswith(b"\x89PNG")
        assert finished.planned() == set()
    finally:
        module.unlink()
        module.with_suffix(".rst").unlink()
        (finished.path / result).unlink(missing_ok=True)


def test_touch_reruns_nothing(finished) -> None:
    for path in (finished.path / "src").rglob("*.py"):
        os.utime(path)
    os.utime(finished.path / "config" / "config.yaml")
    os.utime(finished.path / "Snakefile")
    assert finished.planned() == set()


@pytest.mark.parametrize(
    ("overlay", "stages"),
    [
        ({"select": {"background_efficiency": 0.02}}, {"select", "fit", "report"}),
        ({"fit": {"toys": 50}}, {"fit", "report"}),
        (
            {"datasets": {"w_sim": {"generator": {"seed": 99}}}},
            {"simulate", "skim", "calibrate", "select", "fit", "report"},
        ),
        ({"pathvars": {"results": "results"}}, set()),
    ],
)
def test_config_change_reruns_its_stage_and_what_follows(finished, tmp_path, overlay, stages) -> None:
    path = tmp_path / "overlay.yaml"
    path.write_text(yaml.safe_dump(overlay))
    assert finished.stages("--configfile", *finished.configuration, str(path)) == stages


def test_copied_results_know_their_keys(finished, tmp_path) -> None:
    """Without Snakemake's records a file of keys is made again if they changed, and not if they did not."""
    path = tmp_path / "overlay.yaml"
    path.write_text(yaml.safe_dump({"fit": {"toys": 50}}))
    records, aside = finished.path / ".snakemake", finished.path / "records"
    shutil.move(records, aside)
    try:
        assert "freeze" not in finished.planned()
        assert "freeze" in finished.planned("--configfile", *finished.configuration, str(path))
    finally:
        shutil.rmtree(records)
        shutil.move(aside, records)


def test_one_more_method_trains_no_other_again(finished, tmp_path) -> None:
    path = tmp_path / "overlay.yaml"
    section = {"methods": ["inclusive", "tagger", "cwola", "tnt"], "injection": {"amounts": [5]}}
    path.write_text(yaml.safe_dump({"select": section}))
    run = finished.snakemake("--dry-run", "--configfile", *finished.configuration, str(path))
    assert run.returncode == 0, run.stderr
    trained = re.findall(r"select: (?:jet images of )?(\w+) in window w3500", run.stdout + run.stderr)
    # Its training, and its images.
    assert set(trained) == {"tnt"}


def trained(finished, *overlays: Path) -> set[tuple[str, str]]:
    """The method and window of the selections that a run would train now."""
    run = finished.snakemake("--dry-run", "--configfile", *finished.configuration, *map(str, overlays))
    assert run.returncode == 0, run.stderr
    return set(re.findall(r"select: (\w+) in window (\w+)", run.stdout + run.stderr))


def test_a_key_of_one_method_trains_this_one_again(finished, tmp_path) -> None:
    path = tmp_path / "overlay.yaml"
    path.write_text(yaml.safe_dump({"select": {"cwola": {"combination": "sum"}, "nae": {"epochs": 3}}}))
    assert trained(finished, path) == {("cwola", "w3500")}


def test_one_more_window_trains_in_this_one_alone(finished, tmp_path) -> None:
    path = tmp_path / "overlay.yaml"
    window = {"signal_region": [3500, 4000], "sidebands": [[3250, 3500], [4000, 4500]]}
    path.write_text(yaml.safe_dump({"select": {"windows": {"more": window}}}))
    assert {window for _, window in trained(finished, path)} == {"more"}


def test_code_that_no_job_runs_reruns_nothing(finished) -> None:
    """A method and a format of no job, and a method that is new."""
    package = finished.path / "src" / "resonaut"
    mine = package / "select" / "methods" / "mine"
    mine.mkdir()
    try:
        entry = "from resonaut.select.catalogue import Entry\nMETHODS = {'mine': Entry('method.Mine')}\n"
        (mine / "__init__.py").write_text(entry)
        (mine / "method.py").write_text("# a method to come\n")
        with (
            edited(package / "select" / "methods" / "nae" / "method.py", "\n# an edit\n"),
            edited(package / "skim" / "formats" / "lhco_features" / "reader.py", "\n# an edit\n"),
        ):
            assert finished.planned() == set()
    finally:
        shutil.rmtree(mine)


def test_a_method_of_the_user_s_own(finished, tmp_path) -> None:
    """It runs in the workflow, and only its own file and its own key train it again."""
    own, overlay, own_key = finished.path / "mine.py", tmp_path / "overlay.yaml", tmp_path / "key.yaml"
    shutil.copy("tests/data/my_method.py", own)
    overlay.write_text(
        yaml.safe_dump({"code": ["mine.py"], "select": {"methods": ["inclusive", "tagger", "cwola", "distance"]}})
    )
    try:
        target = "results/select/distance/w3500.json"
        run = finished.snakemake("--configfile", *finished.configuration, str(overlay), "--", target)
        assert run.returncode == 0, run.stderr
        assert trained(finished, overlay) == set()
        own.write_text(own.read_text() + "# an edit\n")
        assert trained(finished, overlay) == {("distance", "w3500")}
        shutil.copy("tests/data/my_method.py", own)
        own_key.write_text(yaml.safe_dump({"select": {"distance": {"diagonal": True}}}))
        assert trained(finished, overlay, own_key) == {("distance", "w3500")}
    finally:
        own.unlink()
        shutil.rmtree(finished.path / "results/select/distance", ignore_errors=True)


def test_a_method_s_code_trains_this_one_again(finished) -> None:
    with edited(finished.path / "src" / "resonaut" / "select" / "methods" / "cwola" / "method.py", "\n# an edit\n"):
        assert trained(finished) == {("cwola", "w3500")}


def test_a_format_s_code_skims_its_own_datasets_again(finished) -> None:
    reader = finished.path / "src" / "resonaut" / "skim" / "formats" / "nanoaod" / "reader.py"
    with edited(reader, "\n# an edit\n"):
        assert "skim_chunk" in finished.planned()


def test_comment_and_key_order_rerun_nothing(finished) -> None:
    config = finished.path / "config" / "config.yaml"
    before = config.read_text()
    shuffled = dict(reversed(yaml.safe_load(before).items()))
    config.write_text("# a comment\n" + yaml.safe_dump(shuffled, sort_keys=False))
    try:
        assert finished.planned() == set()
    finally:
        config.write_text(before)


def test_moving_the_clone_reruns_nothing(finished) -> None:
    home = finished.path
    moved = home.with_name("moved")
    shutil.move(home, moved)
    finished.path = moved
    try:
        assert finished.planned() == set()
    finally:
        shutil.move(moved, home)
        finished.path = home
