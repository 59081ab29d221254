"""What others reached on photons of data set 1 of the CaloChallenge: C. Krause et al., arXiv:2410.21611.

These are numbers on showers of Geant4 in ATLAS's calorimeter, 121,000 that trained and as many that judge: beside
numbers on other showers they say how far methods have come, not which is better.
"""

from dataclasses import dataclass

SOURCE = "CaloChallenge, photons of data set 1 (arXiv:2410.21611)"


@dataclass(frozen=True)
class Published:
    """Area under the ROC curve of a classifier of voxels, and the Fréchet physics distance; None where not quoted."""

    name: str
    low_level: float | None
    frechet: float | None


PUBLISHED = (
    Published("Geant4", None, 0.12e-3),
    Published("CaloINN", 0.626, 3.9e-3),
    Published("CaloDiffusion", 0.635, 0.65e-3),
    Published("CaloScore", 0.752, None),
    Published("CaloVAE+INN", 0.889, None),
    Published("BoloGAN", 0.927, 142e-3),
)
