"""Showers of calorimeters from generative networks."""
