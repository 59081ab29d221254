"""What a selection in one window is counted into, and its summary: of a trained method, or of a region by rate."""

from collections.abc import Sequence
from dataclasses import dataclass

from resonaut.core.collisions import Collisions
from resonaut.core.events import Dataset
from resonaut.core.weights import Weighted
from resonaut.select.results import Trained
from resonaut.select.sculpting import Sculpted
from resonaut.select.settings import Settings, window
from resonaut.select.tally import BackgroundTally, DataTally, SignalTally, axes


@dataclass(frozen=True)
class Counting:
    """The tallies of one window: of the ``data``, of simulated background that checks sculpting, and of ``signals``."""

    settings: Settings
    window: str
    collisions: Collisions
    data: DataTally
    backgrounds: list[BackgroundTally]
    signals: list[SignalTally]
    simulated: Sculpted

    @classmethod
    def of(
        cls,
        settings: Settings,
        window_name: str,
        data: Collisions,
        backgrounds: Sequence[Dataset],
        signals: Sequence[Dataset],
        weighted: Weighted,
        held_out: bool,
    ) -> "Counting":
        """Tallies without events; ``held_out``: events that trained the tagger are left out of simulation.

        Raises:
            ConfigError: no such window.
        """
        mass_window = window(settings, window_name)
        spectra = axes(settings, mass_window, data.datasets[0])
        reweighted = any(weighted.get(one.name) for one in backgrounds)
        simulated = Sculpted("reweighted simulation" if reweighted else "simulation")
        observable = mass_window.observable
        return cls(
            settings,
            window_name,
            data,
            DataTally(settings, mass_window, spectra),
            [BackgroundTally(one, observable, weighted.get(one.name, ()), held_out, simulated) for one in backgrounds],
            [SignalTally(one, spectra[observable], weighted.get(one.name, ()), held_out) for one in signals],
            simulated,
        )

    @property
    def simulation(self) -> list[BackgroundTally | SignalTally]:
        """The tallies of all simulation."""
        return [*self.backgrounds, *self.signals]

    def summary(
        self, method: str, efficiency: float, training: dict[str, float], importance: dict[str, float]
    ) -> Trained:
        """The result of a ``method`` with this background ``efficiency``, after all events have been added."""
        mass_window = window(self.settings, self.window)
        described = self.collisions.datasets[0].described(mass_window.observable)
        checked = self.simulated if self.backgrounds else self.data.outside
        return Trained(
            method=method,
            window=self.window,
            observable=mass_window.observable,
            label=described["label"],
            unit=described["unit"],
            signal_region=mass_window.signal_region,
            sidebands=mass_window.sidebands,
            efficiency_target=efficiency,
            training=training,
            data=self.collisions.name,
            **vars(self.data.summary()),
            sculpting=checked.summary(self.settings.sculpting, mass_window, self.data.expected()),
            importance=importance,
            signals=[tally.summary() for tally in self.signals],
        )
