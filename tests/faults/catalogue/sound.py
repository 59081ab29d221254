"""Sound inputs: the harness's own check, as a command that refuses everything would pass all faults."""

from commands import events, scan, skim, snakemake, text, z
from fault import Kind, Try
from inputs import lhco, nano, rows, runs, table, write_lhco, write_nano

kind = Kind("sound inputs")


@kind.fault(fast=1, real=[False, True])
def spectrum(real: bool) -> Try:
    return scan(text("s.csv", table(rows())), right=z(), refused="", real=real)


@kind.fault(fast=1, real=[False, True])
def data(real: bool) -> Try:
    return skim(write_nano("a.root", nano()), right=events(200), refused=(), real=real)


@kind.fault()
def simulation() -> Try:
    write_nano("a.root", nano(simulation=True), runs(400))
    dataset = {"nature": "simulation", "cross_section": 10.0, "luminosity": None}
    return skim("a.root", right=events(200, weight_scale=10 / 400), refused=(), dataset=dataset)


@kind.fault(layout=["fixed", "table"])
def olympics(layout: str) -> Try:
    write_lhco("a.h5", lhco(), format=layout)
    return skim("a.h5", right=events(200), refused=(), dataset={"format": "lhco_features", "region": "lhco"})


@kind.fault()
def workflow() -> Try:
    write_nano("a.root", nano())
    overlay = {"search": {"stages": ["skim"]}, "skim": {"regions": {"dijet": {"m_jj_min": None}}}}
    return snakemake(overlay, right=events_of_data, refused=())


def events_of_data() -> str | None:
    from commands import load

    found = load("results/skim/data.json")["events"]
    return None if found == 200 else f"{found} events"
