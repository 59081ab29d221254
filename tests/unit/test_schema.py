from pathlib import Path

import pytest
import yaml
from snakemake.utils import update_config

from resonaut import config, schema
from resonaut.dataset import DatasetConfig
from resonaut.errors import ConfigError

ROOT = Path(__file__).parents[2]
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
        (["datasets", "data", "luminosity"], "six", "key 'datasets.data.luminosity': 'six' is not of type"),
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
