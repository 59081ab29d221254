"""QUAK: how unlike background, and how like a signal prior."""
