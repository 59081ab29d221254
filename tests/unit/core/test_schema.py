import math
from pathlib import Path

import pytest
import yaml
from snakemake.utils import update_config

from resonaut.core import config, schema
from resonaut.core.datasets import DatasetConfig
from resonaut.core.errors import ConfigError

ROOT = Path(__file__).parents[3]
SCHEMA = schema.load(ROOT / "workflow" / "schemas")


def demo() -> dict:
    return yaml.safe_load((ROOT / "config" / "config.yaml").read_text())


def test_demo_config_gets_its_defaults() -> None:
    full = schema.validate(demo(), SCHEMA)
    assert full["datasets"]["w_sim"]["generator"]["tune"] == "simulation"
    for entry in full["datasets"].values():
        config.build(entry, DatasetConfig, "test")


@pytest.mark.parametrize("example", sorted((ROOT / "config" / "examples").glob("*.yaml")), ids=lambda p: p.stem)
def test_examples_are_valid(example) -> None:
    merged = demo()
    update_config(merged, yaml.safe_load(example.read_text()))
    schema.validate(merged, SCHEMA)


@pytest.mark.parametrize(
    ("path", "value", "sentence"),
    [
        (["selct"], {}, "config: unknown key 'selct'; did you mean 'select'?"),
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
        (["datasets", "x;touch OWNED;"], {"role": "data"}, "datasets: 'x;touch OWNED;' is not allowed; give a name of"),
        (["datasets", "x\n"], {"role": "data"}, "key 'datasets': 'x\\n' holds a line break"),
        (["select"], {"windows": {"../up": {}}}, "select.windows: '../up' is not allowed; give a name of letters"),
        (["select"], {"combinations": {"a b": {}}}, "select.combinations: 'a b' is not allowed; give a name of small"),
        (["pathvars"], {"results": "a/{x}"}, "pathvars.results: 'a/{x}' is not allowed; give Folder of all results"),
        (["search", "datasets"], ["data", "data"], "key 'search.datasets': ['data', 'data'] has non-unique elements"),
        (["datasets", "data", "role"], "date", "key 'datasets.data.role': 'date' is not one of"),
        (["datasets", "data", "luminosity"], -1, "key 'datasets.data.luminosity': -1 is less than or equal"),
    ],
)
def test_one_sentence_names_the_key(path, value, sentence) -> None:
    bad = demo()
    at = bad
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = value
    with pytest.raises(ConfigError) as error:
        schema.validate(bad, SCHEMA)
    assert sentence in str(error.value)


def test_texts_with_units_become_numbers_and_numbers_keep_their_form() -> None:
    config = demo()
    config["datasets"]["data"]["luminosity"] = "20000 /pb"
    config["fit"] = {"masses": ["3.5 TeV", 3600], "sqrt_s": 13000}
    config["select"] = {
        "windows": {"w": {"signal_region": ["3 TeV", 4000], "sidebands": [[2500, "3 TeV"], [4000, 5000]]}}
    }
    full = schema.validate(config, SCHEMA)
    assert full["datasets"]["data"]["luminosity"] == 20
    assert full["fit"]["masses"] == [3500, 3600]
    assert full["select"]["windows"]["w"] == {"signal_region": [3000, 4000], "sidebands": [[2500, 3000], [4000, 5000]]}
    assert isinstance(full["fit"]["sqrt_s"], int)


@pytest.mark.parametrize("text", ["a: 1\nb: {c: 1}\na: 2\n", "b: {a: 1, a: 1}\n", "b: [{a: 1, 'a': 2}]\n"])
def test_a_key_that_stands_twice_is_refused(tmp_path, text) -> None:
    path = tmp_path / "twice.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=r"twice\.yaml: the key 'a' stands in lines 1 and [13]; keep one"):
        schema.require_unique_keys(path)


def test_anchors_and_merge_keys_are_no_second_keys(tmp_path) -> None:
    path = tmp_path / "once.yaml"
    path.write_text("a: &a {x: 1}\nb: {<<: *a, x: 2}\nc: [*a, *a]\n")
    schema.require_unique_keys(path)


def walk(node: dict, where: str):
    yield where, node
    for key, sub in node.get("properties", {}).items():
        yield from walk(sub, f"{where}.{key}")
    for child in (node.get("items"), node.get("additionalProperties")):
        if isinstance(child, dict):
            yield from walk(child, f"{where}[]")


def test_every_mapping_is_closed_and_every_key_described() -> None:
    for where, node in walk(SCHEMA, "config"):
        if "properties" in node:
            assert node.get("additionalProperties") is False, where
        for key, sub in node.get("properties", {}).items():
            assert sub.get("description"), f"{where}.{key}"
            required = key in node.get("required", [])
            assert required or "default" in sub, f"{where}.{key} has neither a default nor is it required"


@pytest.mark.parametrize("name", ["config", *schema.VERBS])
def test_docs_hold_the_schemas_table(name) -> None:
    """Mend with `make docs`."""
    page = (ROOT / "docs" / f"{name}.md").read_text()
    assert schema.document(page, schema.section(SCHEMA, name)) == page
