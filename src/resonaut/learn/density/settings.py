"""The section ``density`` of a stage; apart from the flow, because torch takes seconds to load."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Settings:
    """A neural spline flow and its training; defaults and descriptions are in the stage's schema."""

    transforms: int
    hidden: list[int]
    bins: int
    steps: int
    batch_size: int
    learning_rate: float
    validation_fraction: float
