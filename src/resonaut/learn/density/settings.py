"""The section ``density`` of a stage; apart from the flow, because torch takes seconds to load."""

from resonaut.core.record import Natural, key, record


@record
class Settings:
    """A neural spline flow and its training."""

    transforms: int = key("Spline transformations; two pay from about 20,000 events on.", default=1, ge=1)
    hidden: list[Natural] = key(
        "Units of the hidden layers of each transformation's network.", default=[64, 64], min_length=1
    )
    bins: int = key("Bins of a spline.", default=8, ge=2)
    steps: int = key("Steps of the training, whatever the number of events.", default=500, ge=1)
    batch_size: int = key("Events in a step.", default=512, ge=1)
    learning_rate: float = key("Largest step size of Adam.", default=0.005, gt=0)
    validation_fraction: float = key(
        "Part of the events that decides which state of the flow is kept.", default=0.2, gt=0, lt=1
    )
