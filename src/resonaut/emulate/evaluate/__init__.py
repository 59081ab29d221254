"""How good emulated showers are: against showers of the simulation that no model has seen."""
