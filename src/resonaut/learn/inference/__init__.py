"""Networks that are trained on the expected uncertainty of a measurement, after all nuisances are profiled.

Arrays of simulated events in, a torch network out. ``measurement`` says what is measured, ``events`` holds the
simulated events and their variations, ``network.fit`` trains, ``expected`` judges (INFERNO: de Castro, Dorigo,
arXiv:1806.04743; SANNT: CMS, arXiv:2502.13047).
"""

from resonaut.learn.inference.settings import Settings

__all__ = ["Settings"]
