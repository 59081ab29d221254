"""Figures of what the stage ``classify`` learned."""
