"""Autoencoders, which learn to reproduce what they often see: variational, of constituents, and normalised."""

from resonaut.learn.autoencoder.settings import Constituents, Normalised, Settings

__all__ = ["Constituents", "Normalised", "Settings"]
