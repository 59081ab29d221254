import math
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic.fields import FieldInfo

from resonaut.core import documentation
from resonaut.core.config import require_unique_keys
from resonaut.core.configuration import validate, whole
from resonaut.core.datasets import DatasetConfig
from resonaut.core.errors import ConfigError
from resonaut.core.record import bare, build, hints, keys

ROOT = Path(__file__).parents[3]


def demo() -> dict:
    return yaml.safe_load((ROOT / "config" / "config.yaml").read_text())


def test_demo_config_gets_its_defaults() -> None:
    full = validate(demo())
    assert full["datasets"]["w_sim"]["generator"]["tune"] == "simulation"
    for entry in full["datasets"].values():
        build(entry, DatasetConfig, "test")


@pytest.mark.parametrize(
    ("path", "value", "sentence"),
    [
        (["selct"], {}, "config: unknown key 'selct'; did you mean 'select'?"),
        (["search"], None, "config: key 'search': None should be a mapping"),
        (
            ["select"],
            {"classifier": {"validation_parts": 4}},
            "unknown key 'select.classifier.validation_parts'; it is now trees.validation_parts and "
            "network.validation_parts.",
        ),
        *(
            ([verb], {"classifier": given}, sentence)
            for verb in ("select", "reweight", "unfold")
            for given, sentence in (
                ({"backend": "sets"}, f"key '{verb}.classifier.backend': 'sets' should be 'trees' or 'network'; it is"),
                ({"sets": {}}, f"unknown key '{verb}.classifier.sets'; the keys here are backend, folds, "),
            )
        ),
        (["datasets", "data", "luminosty"], 1, "unknown key 'datasets.data.luminosty'; did you mean 'luminosity'?"),
        (["datasets", "data", "luminosity"], "six", "key 'datasets.data.luminosity': 'six' is not a number, or a"),
        (
            ["datasets", "data", "luminosity"],
            20000,
            "key 'datasets.data.luminosity' is 20000 without a unit, which would",
        ),
        (["datasets", "data", "luminosity"], math.nan, "key 'datasets.data.luminosity' is nan; give a finite number"),
        (
            ["skim"],
            {"bad_files": {"max_lost_fraction": math.inf}},
            "key 'skim.bad_files.max_lost_fraction' is inf; give",
        ),
        (["fit"], {"seed": 2**63}, "key 'fit.seed': 9223372036854775808 is beyond 2^63; give a smaller number"),
        (["fit"], {"masses": [3500, "3.6 lightyears"]}, "key 'fit.masses[1]': '3.6 lightyears' has an unknown unit"),
        (["datasets", 1], {}, "datasets: the key 1 is no text; put it in quotes"),
        (
            ["datasets", "x;touch OWNED;"],
            {"nature": "data"},
            "key 'datasets.x;touch OWNED;': 'x;touch OWNED;' is not allowed; give a name of",
        ),
        (["datasets", "x\n"], {"nature": "data"}, "key 'datasets': 'x\\n' holds a line break"),
        (
            ["select"],
            {"windows": {"../up": {}}},
            "key 'select.windows.../up': '../up' is not allowed; give a name of letters",
        ),
        (
            ["select"],
            {"combinations": {"a b": {}}},
            "key 'select.combinations.a b': 'a b' is not allowed; give a name of small",
        ),
        (
            ["pathvars"],
            {"results": "a/{x}"},
            "key 'pathvars.results': 'a/{x}' is not allowed; give the name of a folder",
        ),
        (
            ["search", "samples", "data"],
            ["data", "data"],
            "key 'search.samples.data': ['data', 'data'] has an element twice; take one out",
        ),
        (["datasets", "data", "nature"], "date", "key 'datasets.data.nature': 'date' should be 'data', 'pseudo_data'"),
        (["datasets", "data", "role"], "data", "unknown key 'datasets.data.role'; it is now 'nature' (data, pseudo"),
        (["search", "datasets"], ["data"], "unknown key 'search.datasets'; it is now search.samples"),
        (["calibrate"], {"b_quark_datasets": []}, "it is now calibrate.samples.b_quarks"),
        (["datasets", "data", "luminosity"], -1, "key 'datasets.data.luminosity': -1 should be greater than 0"),
    ],
)
def test_one_sentence_names_the_key(path, value, sentence) -> None:
    bad = demo()
    at = bad
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = value
    with pytest.raises(ConfigError) as error:
        validate(bad)
    assert sentence in str(error.value)


def test_changes_alone_are_no_analysis() -> None:
    with pytest.raises(ConfigError, match=r"'search' is missing.* give that first: --configfile config/config\.yaml"):
        validate({"fit": {"toys": 10}})


def test_texts_with_units_become_numbers_and_lists_of_them_too() -> None:
    config = demo()
    config["datasets"]["data"]["luminosity"] = "20000 /pb"
    config["fit"] = {"masses": ["3.5 TeV", 3600], "sqrt_s": 13000}
    config["select"] = {
        "windows": {"w": {"signal_region": ["3 TeV", 4000], "sidebands": [[2500, "3 TeV"], [4000, 5000]]}}
    }
    full = validate(config)
    assert full["datasets"]["data"]["luminosity"] == 20
    assert full["fit"]["masses"] == [3500, 3600]
    window = full["select"]["windows"]["w"]
    assert (window["signal_region"], window["sidebands"]) == ([3000, 4000], [[2500, 3000], [4000, 5000]])


@pytest.mark.parametrize("text", ["a: 1\nb: {c: 1}\na: 2\n", "b: {a: 1, a: 1}\n", "b: [{a: 1, 'a': 2}]\n"])
def test_a_key_that_stands_twice_is_refused(tmp_path, text) -> None:
    path = tmp_path / "twice.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=r"twice\.yaml: the key 'a' stands in lines 1 and [13]; keep one"):
        require_unique_keys(path)


def test_anchors_and_merge_keys_are_no_second_keys(tmp_path) -> None:
    path = tmp_path / "once.yaml"
    path.write_text("a: &a {x: 1}\nb: {<<: *a, x: 2}\nc: [*a, *a]\n")
    require_unique_keys(path)


def walk(kind: Any, where: str) -> Iterator[tuple[str, FieldInfo]]:
    for name, declared in keys(kind).items():
        yield f"{where}.{name}", declared
        sub = bare(hints(kind)[name])
        while typing.get_origin(sub) in (list, dict):
            sub = bare(typing.get_args(sub)[-1])
        if keys(sub):
            yield from walk(sub, f"{where}.{name}")


def test_every_key_is_described() -> None:
    declared = dict(walk(whole(), "config"))
    assert len(declared) > 300
    assert not [where for where, key in declared.items() if not key.description]


@pytest.mark.parametrize("name", documentation.tables())
def test_docs_hold_the_tables_of_the_code(name) -> None:
    """Mend with `make docs`."""
    page = (ROOT / "docs" / f"{name}.md").read_text()
    assert documentation.document(page, documentation.tables()[name]) == page


def test_the_schema_for_editors_is_that_of_the_code() -> None:
    """Mend with `make docs`."""
    assert (ROOT / "config" / "schema.json").read_text() == documentation.editor_schema()
