"""Showers of photons and electrons in sampling calorimeters: a Monte Carlo of single particles, or Geant4."""
