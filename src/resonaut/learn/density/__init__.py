"""Densities of event features: normalising flows p(x | m_jj), by zuko. The flows themselves are in ``density.flow``."""

from resonaut.learn.density.settings import Settings

__all__ = ["Settings"]
