"""Figures of the stage ``trigger``."""
