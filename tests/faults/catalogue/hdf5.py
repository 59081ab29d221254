"""LHC Olympics tables (pandas HDF5) for ``resonaut skim``: damaged, odd, and with pickles inside."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from commands import events, skim, text
from fault import Kind, Try
from inputs import FEATURES, lhco, write_lhco
from outcome import OWNED

kind = Kind("HDF5")
fault = kind.fault

LAYOUTS = ["fixed", "table"]
VALUES = {"NaN": np.nan, "inf": np.inf, "-inf": -np.inf}


def olympics(right: Callable[[], str | None] | None, refused: Any, labelled: Any = None, **how: Any) -> Try:
    """Skim ``a.h5`` as a table of features."""
    dataset = {"format": how.pop("format", "lhco_features"), "region": "lhco"}
    if labelled is not None:
        dataset["labelled"] = labelled
    return skim(how.pop("file", "a.h5"), right=right, refused=refused, dataset=dataset, **how)


def same() -> str | None:
    """The events of the sound table, with the masses that it has."""
    import pyarrow.parquet as pq

    problem = events(200)()
    mass = float(np.asarray(pq.read_table("results/skim/d/000.parquet")["m_jj"]).astype(np.float64).sum())
    return problem or (None if abs(mass - M_JJ) < 1e-9 * M_JJ else f"the masses sum to {mass!r}")


# The sum of the masses of the sound table, GeV.
M_JJ = 613383.3237304688


# --- damaged files ------------------------------------------------------------------------------------------------


@fault(fraction=[0, 0.001, 0.01, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99, 0.9999], layout=LAYOUTS)
def truncated(fraction: float, layout: str) -> Try:
    content = Path(write_lhco("a.h5", lhco(), format=layout)).read_bytes()
    text("a.h5", content[: int(len(content) * fraction)])
    return olympics(same, "a.h5")


@fault(place=[n / 25 for n in range(25)], layout=LAYOUTS)
def flipped_and_compressed(place: float, layout: str) -> Try:
    """Values with checksums; HDF5's own structure has none in the format that pandas writes."""
    import pandas as pd

    with pd.HDFStore("a.h5", "w", complevel=5, complib="zlib", fletcher32=True) as store:
        store.put("df", lhco(), format=layout)
    content = bytearray(Path("a.h5").read_bytes())
    content[int(len(content) * place)] ^= 0x10
    text("a.h5", bytes(content))
    return olympics(same, "a.h5")


CONTENTS = {
    "empty": b"",
    "HTML": b"<html>Zenodo: 403</html>",
    "magic only": b"\x89HDF\r\n\x1a\n",
    "magic and zeros": b"\x89HDF\r\n\x1a\n" + bytes(9000),
    "ROOT": b"root" + bytes(2000),
    "pickle": b"cos\nsystem\n(S'touch OWNED'\ntR.",
    "random": np.random.default_rng(1).bytes(9000),
    "CSV": b"pxj1,pyj1\n1,2\n",
}


@fault(content=CONTENTS, action=["fail", "skip"])
def other_content(content: bytes, action: str) -> Try:
    text("a.h5", content)
    return olympics(None, "a.h5", config={"bad_files": {"action": action, "retries": 0}})


@fault(path=["none.h5", "folder.h5", "loop.h5", "/dev/null"])
def no_file(path: str) -> Try:
    Path("folder.h5").mkdir()
    Path("loop.h5").symlink_to("loop.h5")
    return olympics(None, path, file=path)


# --- code in the file ---------------------------------------------------------------------------------------------


class Payload:
    """Runs a command where it is unpickled."""

    def __reduce__(self):
        return os.system, (f"touch {OWNED}",)


def _attribute(path: str, node: str, name: str) -> None:
    """Hide the payload in an attribute, as PyTables stores objects."""
    import pickle

    import h5py

    with h5py.File(path, "a") as file:
        target = file[node] if node else file
        target.attrs[name] = np.bytes_(pickle.dumps(Payload(), 0))


ATTRIBUTES = {
    "file title": ("", "TITLE"),
    "group title": ("df", "TITLE"),
    "type": ("df", "pandas_type"),
    "version": ("df", "pandas_version"),
    "encoding": ("df", "encoding"),
    "errors": ("df", "errors"),
    "axis": ("df", "axis0_variety"),
    "unknown": ("df", "whatever"),
    "fixed: values": ("df/block0_values", "note"),
    "fixed: names": ("df/axis0", "kind"),
    "fixed: index": ("df/axis1", "kind"),
    "table: columns": ("df", "non_index_axes"),
    "table: info": ("df", "info"),
    "table: values": ("df", "values_cols"),
    "table: data": ("df/table", "values_block_0_kind"),
    "table: index": ("df/table", "index_kind"),
}


@fault(fast=3, place=ATTRIBUTES, layout=LAYOUTS)
def pickle_in_an_attribute(place: tuple[str, str], layout: str) -> Try:
    import h5py

    write_lhco("a.h5", lhco(), format=layout)
    with h5py.File("a.h5") as file:
        node = place[0] if not place[0] or place[0] in file else "df"
    _attribute("a.h5", node, place[1])
    return olympics(same, "a.h5")


@fault(fast=1, column=["label", "extra", "mj1", "pxj1"])
def objects_in_a_column(column: str) -> Try:
    frame = lhco().astype(object)
    frame[column] = [Payload() for _ in range(len(frame))]
    write_lhco("a.h5", frame)
    return olympics(same if column in ("label", "extra") else None, "a.h5")


@fault()
def objects_as_index() -> Try:
    frame = lhco()
    frame.index = [Payload() for _ in range(len(frame))]
    write_lhco("a.h5", frame)
    return olympics(same, "a.h5")


@fault(node=["df/extra", "extra"])
def object_array_beside_the_table(node: str) -> Try:
    import tables

    write_lhco("a.h5", lhco())
    with tables.open_file("a.h5", "a") as file:
        where, _, name = f"/{node}".rpartition("/")
        array = file.create_vlarray(where or "/", name, tables.ObjectAtom())
        array.append(Payload())
    return olympics(same, "a.h5")


@fault(link=["soft", "external", "device"])
def linked_table(link: str) -> Try:
    """A link inside the file is followed or refused, one to another file is refused."""
    import h5py

    write_lhco("b.h5", lhco())
    with h5py.File("a.h5", "w") as file:
        file["df"] = (
            h5py.SoftLink("/df")
            if link == "soft"
            else h5py.ExternalLink("b.h5" if link == "external" else "/dev/zero", "/df")
        )
    return olympics(same if link == "external" else None, "a.h5")


# --- odd tables ---------------------------------------------------------------------------------------------------


@fault(fast=5, value=VALUES, column=["pxj1", "pzj2", "mj1", "tau1j1", "tau3j2"])
def in_a_used_column(value: float, column: str) -> Try:
    frame = lhco()
    frame.loc[5, column] = value
    write_lhco("a.h5", frame)
    return olympics(events(199), ("a.h5", column))


@fault(fast=5, value=VALUES, layout=LAYOUTS, rows=["one", "all"])
def in_an_unused_column(value: float, layout: str, rows: str) -> Try:
    frame = lhco()
    frame["extra"] = value if rows == "all" else np.where(np.arange(len(frame)) == 5, value, 1.0)
    write_lhco("a.h5", frame, format=layout)
    return olympics(same, ())


@fault(value=VALUES)
def in_a_rejected_event(value: float) -> Try:
    """The event's jets are far apart, so that the region rejects it whatever its masses."""
    frame = lhco()
    frame.loc[5, ["pzj1", "pzj2"]] = 6000.0, -6000.0
    frame.loc[5, "tau1j1"] = value
    write_lhco("a.h5", frame)
    return olympics(events(199), ())


@fault(value=VALUES)
def in_an_unselected_label(value: float) -> Try:
    frame = lhco()
    frame.loc[5, "label"] = value
    write_lhco("a.h5", frame)
    return olympics(None, ("a.h5", "label"), labelled={"signal": [0, None], "background": [0, None]})


@fault(column=[*FEATURES[:4], "tau1j1", "tau3j2", "label"])
def missing_column(column: str) -> Try:
    write_lhco("a.h5", lhco().drop(columns=column))
    return olympics(None, "a.h5", labelled={"signal": [0, 10]})


@fault(fast=3, labels=["text", "names", "integers", "booleans", "twos", "negative", "strings of numbers"])
def labels(labels: str) -> Try:
    frame = lhco()
    signal = frame["label"] > 0
    values = {
        "text": signal.map({True: "signal", False: "background"}),
        "names": signal.map({True: "1", False: "zero"}),
        "integers": signal.astype(int),
        "booleans": signal,
        "twos": signal * 2.0,
        "negative": signal * 2.0 - 1,
        "strings of numbers": signal.map({True: "1", False: "0"}),
    }
    frame["label"] = values[labels]
    write_lhco("a.h5", frame)
    right = events(50) if labels not in ("text", "names") else None
    return olympics(
        right,
        "a.h5" if labels not in ("integers", "booleans") else (),
        labelled={"signal": [0, None], "background": [0, 0]},
    )


SLICES = {
    "signal too long": {"signal": [0, 51]},
    "far too long": {"signal": [0, 10**9]},
    "background too long": {"background": [0, 151]},
    "beyond the end": {"signal": [60, None], "background": [0, 0]},
    "upside down": {"signal": [20, 10]},
    "empty": {"signal": [0, 0], "background": [0, 0]},
    "one number": {"signal": [5]},
    "three numbers": {"signal": [0, 5, 2]},
    "text": {"signal": ["0", "5"]},
    "NaN": {"signal": [0, float("nan")]},
    "negative": {"signal": [-5, None]},
    "fraction": {"signal": [0, 0.5]},
    "null first": {"signal": [None, 5]},
    "seed": {"signal": [0, 5], "seed": 2**63},
    "seed negative": {"signal": [0, 5], "seed": -1},
    "seed NaN": {"signal": [0, 5], "seed": float("nan")},
    "unknown key": {"signals": [0, 5]},
    "list": [0, 5],
}


@fault(fast=3, labelled=SLICES)
def slice_of_labelled_events(labelled: Any) -> Try:
    write_lhco("a.h5", lhco())
    return olympics(None, ("a.h5", "labelled", "no event"), labelled=labelled)


@fault()
def black_box_with_a_slice() -> Try:
    write_lhco("a.h5", lhco(label=False))
    return olympics(None, "a.h5", labelled={"signal": [0, 5]})


TYPES = {
    "float32": "float32",
    "float16": "float16",
    "integers": "int64",
    "big-endian": ">f8",
    "complex": "complex128",
    "text": str,
    "bool": bool,
}


@fault(type=TYPES, layout=LAYOUTS)
def number_type(type: Any, layout: str) -> Try:
    frame = lhco()
    names = ["mj1", "pxj1"] if type in ("integers", str, bool) else FEATURES
    frame[names] = frame[names].astype(type)
    try:
        write_lhco("a.h5", frame, format=layout)
    except (TypeError, ValueError, NotImplementedError):
        write_lhco("a.h5", frame)
    sound = type in ("float32", "int64", ">f8", "float16")
    return olympics(events(200) if sound else None, ("a.h5", "cut 'pt'"))


@fault(compression=["blosc", "blosc:lz4", "zlib", "bzip2", "blosc2"], layout=LAYOUTS)
def compressed(compression: str, layout: str) -> Try:
    """What h5py's HDF5 can read, or refused by the filter's name."""
    try:
        write_lhco("a.h5", lhco(), format=layout, complib=compression, complevel=5)
    except ValueError:
        write_lhco("a.h5", lhco(), format=layout)
    return olympics(same, "a.h5")


@fault(number=[0, 1, 2])
def rows_in_the_table(number: int) -> Try:
    write_lhco("a.h5", lhco().iloc[50 : 50 + number])
    return olympics(events(number) if number else None, ("a.h5", "no event"))


@fault(keys=["two tables", "none", "array", "group", "deep", "odd name", "series"])
def keys_of_the_file(keys: str) -> Try:
    import h5py

    if keys in ("none", "array", "group"):
        with h5py.File("a.h5", "w") as file:
            if keys == "array":
                file["df"] = lhco().to_numpy()
            elif keys == "group":
                file.create_group("df")
    elif keys == "series":
        lhco()["mj1"].to_hdf("a.h5", key="df")
    else:
        write_lhco("a.h5", lhco(), key={"deep": "a/b/df", "odd name": "$(touch OWNED)"}.get(keys, "df"))
        if keys == "two tables":
            lhco().to_hdf("a.h5", key="other", mode="a")
    return olympics(same if keys in ("deep", "odd name") else None, "a.h5")


@fault(index=["duplicates", "text", "dates", "multi", "negative", "reversed"], layout=LAYOUTS)
def index_of_the_table(index: str, layout: str) -> Try:
    import pandas as pd

    frame = lhco()
    n = len(frame)
    frame.index = {
        "duplicates": np.zeros(n, int),
        "text": [f"event {i}" for i in range(n)],
        "dates": pd.date_range("2020-01-01", periods=n),
        "multi": pd.MultiIndex.from_arrays([np.arange(n), np.arange(n)]),
        "negative": -np.arange(n),
        "reversed": np.arange(n)[::-1],
    }[index]
    write_lhco("a.h5", frame, format=layout)
    return olympics(same, "a.h5")


@fault(order=["reversed", "shuffled"])
def order_of_the_columns(order: str) -> Try:
    names = [*FEATURES, "label"]
    names = names[::-1] if order == "reversed" else list(np.random.default_rng(2).permutation(names))
    write_lhco("a.h5", lhco()[names])
    return olympics(same, ())


@fault()
def column_twice() -> Try:
    import pandas as pd

    frame = lhco()
    write_lhco("a.h5", pd.concat([frame, (frame[["mj1"]] * 2).rename(columns={"mj1": "mj1 "})], axis=1))
    content = Path("a.h5").read_bytes()
    text("a.h5", content.replace(b"mj1 ", b"mj1\0"))
    return olympics(None, ("a.h5", "mj1"))


HUGE = {"1e30": 1e30, "1e200": 1e200, "zero": 0.0, "negative": -50.0}


@fault(value=HUGE, column=["pxj1", "mj1", "tau1j1"])
def impossible_but_finite(value: float, column: str) -> Try:
    frame = lhco()
    frame.loc[5, [column, *(["pyj1"] if value == 0.0 else [])]] = value
    write_lhco("a.h5", frame)
    return olympics(finite, ("a.h5", "j1", "m_jj"))


def finite() -> str | None:
    import pyarrow.parquet as pq

    found = pq.read_table("results/skim/d/000.parquet")
    names = ("m_jj", "j1_pt", "j2_pt", "j1_mass", "j2_mass", "j1_eta")
    return None if all(np.isfinite(np.asarray(found[n])).all() for n in names) else "infinite values in the columns"


@fault(fast=3, how=["same name", "other spelling", "symlink", "copy"])
def file_twice(how: str) -> Try:
    write_lhco("a.h5", lhco())
    second = {"same name": "a.h5", "other spelling": "./../work/a.h5"}.get(how, "b.h5")
    if how == "symlink":
        Path("b.h5").symlink_to("a.h5")
    elif how == "copy":
        text("b.h5", Path("a.h5").read_bytes())
    dataset = {"format": "lhco_features", "region": "lhco"}
    return skim(
        "a.h5", second, right=events(200), refused=("twice", "duplicate", "same", "a.h5", "b.h5"), dataset=dataset
    )


@fault(columns=[0, 21, 2099, 2100, 2101, 2105])
def raw_events(columns: int) -> Try:
    """700 massless particles in an event, and a label."""
    import pandas as pd

    values = np.zeros((4, columns))
    if columns >= 2100:
        particles = values[:, :2100].reshape(4, 700, 3)
        particles[:, :20, 0] = 100.0
        particles[:, :10, 2], particles[:, 10:20, 2] = 0.1, 0.1 - np.pi
        particles[:, :20, 1] = np.linspace(0, 0.3, 20)
    pd.DataFrame(values).to_hdf("a.h5", key="df")
    return olympics(
        None if columns < 2100 else finite_or_fine,
        "a.h5",
        format="lhco_raw",
        config={"regions": {"lhco": {}}, "bad_files": {"retries": 0}},
    )


def finite_or_fine() -> str | None:
    return events(4)() or finite()


@fault(swap=["features as raw", "raw as features", "HDF5 as ROOT", "ROOT as HDF5"])
def wrong_format(swap: str) -> Try:
    import pandas as pd
    from inputs import nano, write_nano

    if swap == "ROOT as HDF5":
        write_nano("a.h5", nano())
        return olympics(None, "a.h5")
    if swap == "raw as features":
        pd.DataFrame(np.ones((3, 2100))).to_hdf("a.h5", key="df")
    else:
        write_lhco("a.h5", lhco())
    if swap == "HDF5 as ROOT":
        return skim("a.h5", right=None, refused="a.h5")
    return olympics(None, "a.h5", format="lhco_raw" if swap == "features as raw" else "lhco_features")
