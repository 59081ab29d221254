"""Machine learning that several stages share: likelihood ratios, densities, autoencoders."""
