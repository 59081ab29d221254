"""How good emulated showers are: against showers of the simulation that no model has seen."""

# What stands in the place of a model's name where simulated showers stand in the place of its own.
FLOOR = "simulation"
