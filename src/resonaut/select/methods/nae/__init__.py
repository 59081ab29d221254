"""NAE: the energy of a normalised autoencoder."""
