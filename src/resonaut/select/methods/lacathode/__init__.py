"""LaCATHODE: CATHODE in the latent space of its flow."""

from resonaut.select.catalogue import FLOW, Entry

METHODS = {"lacathode": Entry("method.Lacathode", (*FLOW, "cathode"))}
