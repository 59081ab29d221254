"""Small files of correctionlib with known numbers."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import correctionlib.schemav2 as schema
import pytest


def table(name: str, inputs: Sequence[str], formula: str | dict[str, str]) -> schema.Correction:
    """A table by a formula of its real ``inputs``, x, y, ...; or by formulas for each word of a first text input."""
    reals = [schema.Variable(name=name, type="real") for name in inputs]
    letters = ["x", "y", "z", "t"][: len(reals)]

    def made(text: str) -> schema.Formula:
        return schema.Formula(
            nodetype="formula", expression=text, parser="TFormula", variables=list(inputs[: len(letters)])
        )

    output = schema.Variable(name="out", type="real")
    if isinstance(formula, str):
        return schema.Correction(name=name, version=1, inputs=reals, output=output, data=made(formula))
    content = [schema.CategoryItem(key=word, value=made(text)) for word, text in formula.items()]
    data = schema.Category(nodetype="category", input="systematic", content=content)
    text = schema.Variable(name="systematic", type="string")
    return schema.Correction(name=name, version=1, inputs=[text, *reals], output=output, data=data)


def compound(name: str, parts: Sequence[str], inputs: Sequence[str]) -> schema.CompoundCorrection:
    """Levels one after the other, each at the momentum that the last one gave."""
    return schema.CompoundCorrection(
        name=name,
        inputs=[schema.Variable(name=name, type="real") for name in inputs],
        output=schema.Variable(name="out", type="real"),
        inputs_update=["JetPt"],
        input_op="*",
        output_op="*",
        stack=list(parts),
    )


@pytest.fixture
def write_tables(tmp_path) -> Callable[..., str]:
    """A function that writes a file of tables, and gives its path."""

    def write(*tables: Any, name: str = "tables.json") -> str:
        path = Path(tmp_path) / name
        simple = [entry for entry in tables if isinstance(entry, schema.Correction)]
        compounds = [entry for entry in tables if isinstance(entry, schema.CompoundCorrection)]
        document = schema.CorrectionSet(schema_version=2, corrections=simple, compound_corrections=compounds or None)
        path.write_text(document.model_dump_json(exclude_unset=True))
        return str(path)

    return write


@pytest.fixture
def make_table() -> Callable[..., schema.Correction]:
    """The function that makes a table."""
    return table


@pytest.fixture
def jet_tables(write_tables) -> str:
    """A file of one era: raw momenta times 1 - rho / (10 JetPt), then times 1.1; the second run range times 1.2."""
    inputs = ["JetA", "JetEta", "JetPt", "Rho"]
    tables = []
    for campaign, level in (("V1_MC", "1.1"), ("V1_RunA_DATA", "1.1"), ("V1_RunB_DATA", "1.2")):
        tables += [
            table(f"{campaign}_L1FastJet_AK4", ["JetPt", "Rho"], "1-y/(10*x)"),
            table(f"{campaign}_L2_AK4", ["JetPt"], f"{level}+0*x"),
            compound(f"{campaign}_L1L2L3Res_AK4", [f"{campaign}_L1FastJet_AK4", f"{campaign}_L2_AK4"], inputs),
        ]
    tables += [
        table("V1_MC_Total_AK4", ["JetEta", "JetPt"], "2/y"),
        table("JR1_PtResolution_AK4", ["JetEta", "JetPt", "Rho"], "0.1+0*x"),
        table("JR1_ScaleFactor_AK4", ["JetEta"], {"nom": "1.2+0*x", "up": "1.4+0*x", "down": "1.0+0*x"}),
    ]
    return write_tables(*tables)
