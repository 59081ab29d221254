"""NAE: the energy of a normalised autoencoder."""

from resonaut.learn.autoencoder.settings import Normalised
from resonaut.select.catalogue import EVENT, REGRESSED, Entry

METHODS = {"nae": Entry("method.Nae", (*EVENT, *REGRESSED, "autoencoder"), Normalised)}
