"""CSV and YAML in the dialects in which people, spreadsheets and HEPData write them."""

import gzip

import numpy as np
import pytest
import yaml

from resonaut.core.errors import InputFileError
from resonaut.fit.spectrum import read

LOWS, HIGHS, COUNTS = [1000, 1100, 1300], [1100, 1300, 1600], [1234, 560, 71]
ROWS = list(zip(LOWS, HIGHS, COUNTS, strict=True))


def lines(delimiter=",", header="m_low,m_high,counts", end="\n"):
    return end.join([header.replace(",", delimiter), *(delimiter.join(map(str, row)) for row in ROWS), ""])


HEPDATA = (
    "#: name: Figure 1\n#: keyword cmenergies: 13000.0\n"
    '"M(JJ) [{unit}]","M(JJ) [{unit}] LOW","M(JJ) [{unit}] HIGH","{value}","stat +","stat -","sys,jes +","sys,jes -"\n'
)


def hepdata(unit="GEV", value="Events", scale=1, factor=1.0):
    rows = [
        f"{(low + high) / 2 / scale:g},{low / scale:g},{high / scale:g},{n * factor:.6g},{n**0.5 * factor:.4g},"
        f"-{n**0.5 * factor:.4g},9,-9"
        for low, high, n in ROWS
    ]
    return HEPDATA.format(unit=unit, value=value) + "\n".join(rows) + "\n"


@pytest.mark.parametrize(
    "content",
    [
        lines().encode(),
        lines().encode("utf-8-sig"),
        lines().encode("utf-16"),
        lines().encode("utf-32"),
        ("# données\n" + lines()).encode("latin-1"),
        ("# données\x85 m\n" + lines()).encode("latin-1"),
        ("# données\n" + lines()).encode(),
        lines(end="\r\n").encode(),
        lines(end="\r").encode(),
        lines(";").encode(),
        lines("\t").encode(),
        lines("  ").encode(),
        lines(" , ").encode(),
        lines(header=" M_low , m_high , Counts ").encode(),
        lines(header="m_low [GeV],m_high [GeV],counts").encode(),
        lines(header="m_low,m_high,events").encode(),
        ("\n\n" + lines().replace("\n", "\n\n")).encode(),
        lines(header="m_low,m_high,counts,,").replace("\n", ",,\n").encode(),
        lines(header='"m_low","m_high","counts"').encode(),
        lines(";").replace("1000;", "1000,00;").encode(),
        gzip.compress(lines().encode(), mtime=0),
        hepdata().encode(),
        hepdata("TEV", scale=1000).encode(),
        hepdata(value="N events").encode(),
        hepdata(value="Data, observed").encode(),
    ],
)
def test_dialects(tmp_path, content):
    path = tmp_path / "spectrum.csv"
    path.write_bytes(content)
    spectrum = read(str(path), None)
    assert spectrum.edges.tolist() == [*LOWS, HIGHS[-1]]
    assert spectrum.counts.tolist() == COUNTS


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("mass,counts\n1,2\n", r"found: 'mass', 'counts'"),
        (lines(header="m_low,m_high,data"), r"found: 'm_low', 'm_high', 'data'"),
        (lines().replace(",560", ",-"), r"line 3: 'counts' is '-', which is not a number"),
        (lines().replace(",560", ","), r"line 3: 'counts' is '', which is not a number"),
        (lines().replace(",560", ""), r"line 3: 'counts' is '', which is not a number"),
        (lines().replace(",1234", ",1,234"), r"line 2 has 4 columns, the header line 3"),
        (lines().replace(",1234", ',"1,234"'), r"line 2: 'counts' is '1,234'"),
        (lines(";").replace("1234", "1.234,0"), r"'1.234,0' may be two different numbers"),
        (lines(";").replace("1234", "1,234"), r"'1,234' may be two different numbers"),
        (lines(header="m_low,m_high,counts,counts").replace(",1234", ",1234,0"), r"2 columns are named 'counts'"),
        (lines(header="m_low [GeV],m_high [TeV],counts"), r"different units"),
        (hepdata() + "\n" + hepdata(), r"it has 2 columns of values \('Events', 'Events'\)"),
        (hepdata().replace("M(JJ) [GEV] LOW", "x LOW"), r"found: 'M\(JJ\) \[GEV\]', 'x LOW'"),
        ("\x00\x01", r"not a text file"),
        (lines() + "1" * 200_000, r"line 5 is no line of a table"),
    ],
)
def test_tables_that_are_no_spectrum(tmp_path, text, sentence):
    path = tmp_path / "spectrum.csv"
    path.write_text(text)
    with pytest.raises(InputFileError, match=sentence):
        read(str(path), None)


def test_a_broken_gzip_file(tmp_path):
    path = tmp_path / "spectrum.csv.gz"
    path.write_bytes(gzip.compress(lines().encode(), mtime=0)[:-12])
    with pytest.raises(InputFileError, match="broken gzip"):
        read(str(path), None)


def test_a_column_by_name(tmp_path):
    path = tmp_path / "spectrum.csv"
    path.write_text("m_low,m_high,data,fit\n1000,1100,7,8\n")
    assert read(f"{path}:data", None).counts.tolist() == [7]
    with pytest.raises(InputFileError, match="found: 'm_low'"):
        read(f"{path}:signal", None)


def document(units="GeV", variables=(("Events", "", COUNTS),), errors=True):
    def cell(n):
        return {"value": n} | ({"errors": [{"symerror": n**0.5, "label": "stat"}]} if errors else {})

    return {
        "independent_variables": [
            {
                "header": {"name": "Dijet mass", "units": units},
                "values": [{"low": low, "high": high} for low, high in zip(LOWS, HIGHS, strict=True)],
            }
        ],
        "dependent_variables": [
            {"header": {"name": name, "units": unit}, "values": [cell(n) for n in values]}
            for name, unit, values in variables
        ],
    }


def yaml_file(tmp_path, *documents):
    path = tmp_path / "table.yaml"
    path.write_text(yaml.safe_dump_all(documents))
    return str(path)


def test_yaml(tmp_path):
    spectrum = read(yaml_file(tmp_path, document()), None)
    assert spectrum.edges.tolist() == [*LOWS, HIGHS[-1]]
    assert spectrum.counts.tolist() == COUNTS
    # Beside the data their fit, and a column with gaps.
    more = [("Events", "", COUNTS), ("Background fit", "", [1.5, 2.5, 3.5]), ("Limit", "fb", [1.0, 2.0, "-"])]
    path = yaml_file(tmp_path, document(variables=more, errors=False))
    assert read(path, None).counts.tolist() == COUNTS
    with pytest.raises(InputFileError, match="the contents are no counts"):
        read(f"{path}:Background fit", None)
    density = np.array(COUNTS) / np.diff([*LOWS, HIGHS[-1]]) / 5
    path = yaml_file(tmp_path, document(variables=[("D(SIG)/DM", "FB/GEV", density.tolist())], errors=False))
    assert read(path, 5.0).counts.tolist() == COUNTS


@pytest.mark.parametrize(
    ("documents", "sentence"),
    [
        ([document(), document()], r"it has 2 columns of values \('Events', 'Events'\)"),
        ([{"comment": "x"}, {"name": "t", "data_file": "t1.yaml"}], r"give one of its tables: t1.yaml"),
        ([[1, 2]], r"no table of HEPData"),
        ([document() | {"independent_variables": []}], r"0 independent variables"),
        ([document() | {"dependent_variables": None}], r"no table of HEPData"),
        ([document(variables=[("Events", "", COUNTS[:2])])], r"2 values in 3 bins"),
        (
            [
                {
                    "independent_variables": [{"header": {"name": "m"}, "values": []}],
                    "dependent_variables": [{"header": {"name": "Events"}, "values": []}],
                }
            ],
            r"no bins",
        ),
        ([document(variables=[("Events", "", [1, "-", 2])], errors=False)], r"'Events' in bin 1 is '-'"),
    ],
)
def test_yaml_that_is_no_spectrum(tmp_path, documents, sentence):
    with pytest.raises(InputFileError, match=sentence):
        read(yaml_file(tmp_path, *documents), None)


def test_yaml_that_grows_without_end(tmp_path):
    """Lists of references to lists of references, a billion in all."""
    lines = ["a: &a [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"{n}: &{n} [{', '.join([f'*{m}'] * 10)}]" for m, n in zip("abcdefgh", "bcdefghi", strict=True)]
    bomb = "\n".join(
        [*lines, "independent_variables:", "- header: {name: *i}", "  values: []", "dependent_variables: []"]
    )
    (tmp_path / "table.yaml").write_text(bomb)
    with pytest.raises(InputFileError, match="no table of HEPData"):
        read(str(tmp_path / "table.yaml"), None)
    (tmp_path / "table.yaml").write_text(
        bomb.replace("*i}", "m}").replace("values: []", "values: [{low: *i, high: 2}]")
    )
    with pytest.raises(InputFileError, match=r"low is .*, which is not a number"):
        read(str(tmp_path / "table.yaml"), None)


@pytest.mark.parametrize("value", ["9" * 5000, "2020-13-45", "[" * 2000])
def test_yaml_that_its_reader_does_not_like(tmp_path, value):
    (tmp_path / "table.yaml").write_text(f"independent_variables: {value}")
    with pytest.raises(InputFileError, match="not valid YAML"):
        read(str(tmp_path / "table.yaml"), None)


def test_yaml_runs_nothing(tmp_path):
    path = tmp_path / "table.yaml"
    path.write_text(f"independent_variables: !!python/object/apply:os.mkdir ['{tmp_path / 'owned'}']\n")
    with pytest.raises(InputFileError, match="not valid YAML"):
        read(str(path), None)
    assert not (tmp_path / "owned").exists()
