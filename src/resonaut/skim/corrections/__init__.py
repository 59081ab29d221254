"""Corrections of an era: what the experiment's own tables say of jets, missing momentum and weights."""
