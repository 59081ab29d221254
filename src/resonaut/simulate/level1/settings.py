"""The keys of Level-1 samples, below ``simulate.level1``."""

from resonaut.core.record import GeV, Name, key, record


@record
class PoolPart:
    """Single collisions, digitised, of which crossings are mixed."""

    process: Name = key("Name of the process in `simulate.processes`.")
    events: int = key("Collisions that are generated.", default=10000, ge=1)
    events_per_chunk: int = key("Collisions that one job generates.", default=5000, ge=1)
    pt_hat_max: GeV | None = key(
        "Collisions whose hardest parton process has more transverse momentum are left out, as those of another part "
        "stand for them; null keeps all.",
        default=None,
        gt=0,
    )
    seed: int = key("Seed of the part; that of a chunk follows from it, the name and its number.", default=1, ge=1)

    @property
    def n_chunks(self) -> int:
        """Jobs of the part."""
        return -(-self.events // self.events_per_chunk)


@record
class Sample:
    """Bunch crossings of one kind: with a hard process each, or with collisions of the pool alone."""

    process: Name | None = key(
        "Process in `simulate.processes` of which each crossing has one collision; null for zero bias.", default=None
    )
    mass: GeV | None = key("Resonance mass put into the process's settings.", default=None)
    events: int = key("Crossings.", default=10000, ge=1)
    events_per_chunk: int = key("Crossings that one job makes.", default=50000, ge=1)
    pileup: float = key("Mean number of inelastic collisions of the pool in a crossing.", default=50, ge=0)
    seed: int = key("Seed of the sample; that of a chunk follows from it, the name and its number.", default=1, ge=1)

    @property
    def n_chunks(self) -> int:
        """Jobs of the sample."""
        return -(-self.events // self.events_per_chunk)


@record
class Level1:
    """The Level-1 trigger: a pool of collisions, and samples of bunch crossings mixed from it."""

    pool: dict[Name, PoolPart] = key(
        "Parts of the pool. A collision is of a part with the probability of its cross section in that of all.",
        default={},
    )
    samples: dict[Name, Sample] = key("Samples of bunch crossings by name.", default={})
