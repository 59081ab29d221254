"""Rerun exactness: a stage reruns exactly when its own code or its own configuration changed."""

import os
import re
import shutil
from contextlib import contextmanager
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
    assert finished.planned() == set()


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
    assert finished.stages("--configfile", "tests/workflow/tiny.yaml", str(path)) == stages


def test_one_more_method_trains_no_other_again(finished, tmp_path) -> None:
    path = tmp_path / "overlay.yaml"
    section = {"methods": ["inclusive", "tagger", "cwola", "tnt"], "injection": {"amounts": [5]}}
    path.write_text(yaml.safe_dump({"select": section}))
    run = finished.snakemake("--dry-run", "--configfile", "tests/workflow/tiny.yaml", str(path))
    assert run.returncode == 0, run.stderr
    trained = re.findall(r"select: (?:jet images of )?(\w+) in window w3500", run.stdout + run.stderr)
    # Its training, and its images.
    assert set(trained) == {"tnt"}


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
