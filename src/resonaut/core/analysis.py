"""An analysis: its checked configuration, its stages and datasets, and where their files lie."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from resonaut.core import configuration, results, samples, sources, stages, windows
from resonaut.core.config import require_unique_keys
from resonaut.core.datasets import DatasetConfig
from resonaut.core.errors import ConfigError
from resonaut.core.manifest import Manifest
from resonaut.core.record import build

Config = dict[str, Any]


@dataclass(frozen=True)
class Analysis:
    """What the workflow knows of an analysis before the first job.

    ``config``: the complete configuration as plain data; ``catalogue``: its datasets. Paths begin with the path
    variable ``<results>``, for which Snakemake puts the folder.
    """

    config: Config
    catalogue: dict[str, DatasetConfig]

    @classmethod
    def of(cls, config: Config, files: Iterable[Path]) -> "Analysis":
        """The analysis of a merged configuration, checked by all its stages.

        Args:
            config: the merged configuration; it stays as it is.
            files: where it comes from.

        Raises:
            ConfigError: one sentence on the first key that is wrong, or on two that contradict each other.
        """
        for path in files:
            require_unique_keys(path)
        full = configuration.validate(config)
        for verb in full["search"]["stages"]:
            if verb not in stages.plans():
                known = ", ".join(stages.plans())
                raise ConfigError(f"config: search.stages has {verb!r}, which is no stage; there are {known}.")
        full["select"]["windows"] = windows.expand(full["select"]["windows"], full["select"]["window_chains"])
        for name in samples.used(full):
            sources.find_events(full, name)
        samples.check(full)
        entries = full["datasets"].items()
        made = cls(full, {name: build(entry, DatasetConfig, f"config: datasets.{name}") for name, entry in entries})
        made._check()
        return made

    def _check(self) -> None:
        """Stop where the stages cannot work together; each checks its own section."""
        chosen, plans = self.config["search"]["stages"], stages.plans()
        for verb in chosen:
            for needed in plans[verb].NEEDS:
                if needed not in chosen:
                    raise ConfigError(
                        f"config: search.stages has {verb!r}, which reads what {needed!r} makes; add {needed!r}, or "
                        f"take {verb!r} out."
                    )
        for verb in chosen:
            plans[verb].check(self)

    def keys(self, job: str) -> Config:
        """What a job reads of the configuration and nothing else: ``<verb>``, or ``<verb>/…`` as the stage's plan says.

        Samples are not: their datasets are inputs of the job.
        """
        verb, *names = job.split("/")
        plan = stages.plans()[verb]
        found: Config = plan.keys(self, *names) if hasattr(plan, "keys") else self.config[verb]
        return {name: value for name, value in found.items() if name != "samples"}

    def uses(self, verb: str) -> bool:
        """Whether the analysis has the stage ``verb``."""
        return verb in self.config["search"]["stages"]

    def datasets(self) -> list[str]:
        """Names of all datasets of this analysis."""
        return samples.used(self.config)

    def sample(self, *names: str, of: str = "search") -> list[str]:
        """Names of the datasets in the samples ``names`` of a stage, or of the search, in this order."""
        found = samples.of(self.config, of)
        return list(dict.fromkeys(dataset for name in names for dataset in found[name]))

    def weights(self, dataset: str) -> list[str]:
        """The folders of the friends with weights that the events of a dataset have, such as ``calibrate``."""
        plans = [stages.plans()[verb] for verb in stages.plans() if self.uses(verb)]
        given = [plan.weighted(self) for plan in plans if hasattr(plan, "weighted")]
        return [folder for folders in given for folder, datasets in folders.items() if dataset in datasets]

    def columns(self, dataset: str) -> dict[str, tuple[float | None, float | None]] | None:
        """The columns of one number an event that a dataset keeps, and the ranges that cuts leave; None if unknown."""
        found: dict[str, tuple[float | None, float | None]] | None = stages.plans()["skim"].kept.columns(self, dataset)
        return found

    def particle_columns(self, dataset: str) -> list[str] | None:
        """The columns of particle level that a dataset keeps; None if unknown."""
        found: list[str] | None = stages.plans()["skim"].kept.particle_columns(self, dataset)
        return found

    def weight_columns(self, dataset: str) -> dict[str, bool] | None:
        """The columns of simulation that may be weights, and whether each is a list an event; None if unknown."""
        found: dict[str, bool] | None = stages.plans()["skim"].kept.weight_columns(self, dataset)
        return found

    def variations(self, dataset: str) -> list[str] | None:
        """The variations ``<source>_<up|down>`` of simulation; None if unknown."""
        found: list[str] | None = stages.plans()["skim"].kept.variations(self, dataset)
        return found

    def sources(self, dataset: str) -> list[str] | None:
        """The sources of uncertainty of simulation, those with equally likely weights among them; None if unknown."""
        found: dict[str, list[str]] | None = stages.plans()["skim"].kept.sources(self, dataset)
        return None if found is None else list(found)

    def luminosity(self, *names: str) -> float | None:
        """That of data, 1/fb: of each era once. None where one has none."""
        found = {self.catalogue[name].era: self.catalogue[name].luminosity for name in names}
        return None if None in found.values() else sum(filter(None, found.values()))

    def wanted(self) -> list[str]:
        """All datasets but pseudo-data beside data, which are only made for the experiments that draw from them."""
        spared = self.sample("pseudo_data") if self.sample("data") else []
        return [name for name in self.datasets() if name not in spared]

    def chunks(self, dataset: str) -> list[str]:
        """The chunk names of a dataset: ``000``, ``001``, … (``<part>-000``, …), known before the first job."""
        entry = self.catalogue[dataset]
        if entry.skimmed is not None:
            return results.read(Path(entry.skimmed), Manifest).chunks
        if parts := entry.combine or (entry.drawn.datasets if entry.drawn is not None else []):
            return [f"{part}-{chunk}" for part in parts for chunk in self.chunks(part)]
        return [f"{number:03d}" for number in range(entry.n_chunks())]

    def chunk_files(self, dataset: str, chunk: str) -> list[str]:
        """The files with the events of one chunk: made by ``simulate`` or given in the configuration."""
        entry = self.catalogue[dataset]
        if entry.generator is not None:
            return [f"<results>/simulate/{dataset}/{chunk}.root"]
        first = int(chunk) * entry.files_per_chunk
        return entry.files[first : first + entry.files_per_chunk]

    def ready(self) -> list[str]:
        """The datasets of events skimmed already: by another analysis, or in parts that are joined or drawn."""
        skims = self.skims()
        return [name for name in self.datasets() if name not in skims]

    def skims(self) -> list[str]:
        """The datasets of the catalogue whose files this analysis would skim, in a sample or not."""
        entries = self.config["datasets"].items()
        made = ("skimmed", "combine", "drawn")
        return [name for name, entry in entries if not any(entry[source] for source in made)]

    def friends(self, folder: str, *names: str) -> list[str]:
        """The chunk files of whole datasets in one folder of the results."""
        return [f"<results>/{folder}/{name}/{chunk}.parquet" for name in names for chunk in self.chunks(name)]

    def manifests(self, *names: str) -> list[str]:
        """The manifests that ``skim`` writes of datasets."""
        return [f"<results>/skim/{name}.json" for name in names]
