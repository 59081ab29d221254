"""VAE-QR: jets that an autoencoder of constituents reproduces badly."""
