"""What must hold between the parts of a configuration."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from snakemake.utils import update_config

from resonaut import analysis
from resonaut.errors import ConfigError

ROOT = Path(__file__).parents[2]
SCHEMAS = ROOT / "workflow" / "schemas"


def complete(*overlays: dict[str, Any], base: Path | None = ROOT / "config" / "config.yaml") -> dict[str, Any]:
    config: dict[str, Any] = yaml.safe_load(base.read_text()) if base else {}
    for overlay in overlays:
        update_config(config, overlay)
    return analysis.complete(config, [base] if base else [], SCHEMAS)


def skimmed(**datasets: Any) -> dict[str, Any]:
    return {"search": {"stages": ["skim"], "datasets": list(datasets)}, "datasets": datasets}


@pytest.mark.parametrize("example", sorted((ROOT / "config" / "examples").glob("*.yaml")), ids=lambda p: p.stem)
def test_examples_are_complete_where_their_files_are(example, monkeypatch) -> None:
    """Reference data need not be there: any pattern finds itself."""
    monkeypatch.setattr(analysis, "glob", lambda pattern: [pattern])
    names = ["lhco", example.stem] if example.stem == "lhco_shifted" else [example.stem]
    complete(*(yaml.safe_load(example.with_stem(name).read_text()) for name in names))


def test_tiny_search_is_complete() -> None:
    complete(yaml.safe_load((ROOT / "tests" / "workflow" / "tiny.yaml").read_text()))


def test_chains_become_windows() -> None:
    full = complete({"select": {"window_chains": {"a": [3000, 3250, 3750, 4000]}}})
    assert full["select"]["windows"]["a1"]["signal_region"] == [3250, 3750]


@pytest.mark.parametrize(
    ("overlay", "sentence"),
    [
        ({"search": {"datasets": ["data", "nothing"]}}, "search.datasets names 'nothing', which is not in 'datasets'"),
        ({"datasets": {"data": {"files": ["a.root"]}}}, "datasets.data has both 'files' and a 'generator'"),
        ({"datasets": {"data": {"generator": None}}}, "datasets.data has neither 'files' nor a 'generator'"),
        ({"datasets": {"qcd": {"cross_section": None}}}, "datasets.qcd.cross_section is null; simulation needs one"),
        ({"datasets": {"qcd": {"region": "dijets"}}}, "datasets.qcd.region 'dijets' is not in skim.regions"),
        ({"search": {"stages": ["simulate", "select"]}}, "search.stages has 'select', which reads what 'skim' makes"),
        ({"search": {"stages": ["skim", "select", "report"]}}, "search.stages has 'report', which reads what 'fit'"),
    ],
)
def test_contradictions_are_one_sentence(overlay, sentence) -> None:
    with pytest.raises(ConfigError, match=r"^config: ") as caught:
        complete(overlay)
    assert sentence in str(caught.value)


def test_files_come_in_the_order_of_the_patterns(tmp_path) -> None:
    for name in ("b1.root", "b2.root", "a.root"):
        (tmp_path / name).touch()
    found = analysis.find_files("d", [f"{tmp_path}/b*.root", f"{tmp_path}/a.root"], once=False)
    assert [Path(path).name for path in found] == ["b1.root", "b2.root", "a.root"]


@pytest.mark.parametrize("second", ["{0}/a.root", "{0}/*.root", "{0}/../{1}/a.root", "{0}/link.root"])
def test_a_file_by_two_paths_is_refused(tmp_path, second) -> None:
    (tmp_path / "a.root").touch()
    (tmp_path / "link.root").symlink_to("a.root")
    with pytest.raises(
        ConfigError, match=r"datasets\.d\.files: .* is '.*a\.root' again, whose events would count twice"
    ):
        analysis.find_files("d", [f"{tmp_path}/a.root", second.format(tmp_path, tmp_path.name)], once=False)
    found = analysis.find_files("d", [f"{tmp_path}/a.root", second.format(tmp_path, tmp_path.name)], once=True)
    assert found == [f"{tmp_path}/a.root"]


def test_no_file_and_a_folder_are_refused(tmp_path) -> None:
    with pytest.raises(ConfigError, match=r"no file 'none/\*\.root'; correct the path"):
        analysis.find_files("d", ["none/*.root"], once=False)
    with pytest.raises(ConfigError, match=r"is a folder; name its files, as .*/\*\.root"):
        analysis.find_files("d", [str(tmp_path)], once=False)


@pytest.mark.parametrize(
    ("change", "refused"),
    [
        ({}, True),
        ({"region": "boosted_w"}, False),
        ({"role": "w_data"}, False),
        ({"labelled": {"background": [5, None]}}, False),
        ({"labelled": {"background": [4, None]}}, True),
        ({"labelled": {"background": [5, None], "signal": [0, 1]}}, True),
        ({"labelled": {"background": [5, None], "seed": 2}}, True),
    ],
)
def test_two_datasets_of_one_role_share_no_events(tmp_path, change, refused) -> None:
    path = tmp_path / "a.h5"
    path.touch()
    one = {"role": "data", "files": [str(path)], "labelled": {"background": [0, 5], "signal": [0, 3]}}
    overlay = skimmed(one=one, other=one | change)
    if refused:
        with pytest.raises(ConfigError, match=r"datasets\.one and datasets\.other have the same role and both read"):
            complete(overlay, base=None)
    else:
        complete(overlay, base=None)
