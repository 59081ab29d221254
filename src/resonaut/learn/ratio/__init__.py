"""The ratio step: a classifier trained between two samples is their likelihood ratio, f / (1 - f).

With balanced classes the minimum of the cross entropy is f = p_num / (p_num + p_den), so that
f / (1 - f) = p_num / p_den: the likelihood-ratio trick (Cranmer, Pavez, Louppe, arXiv:1506.02169).
Reweighting and weak supervision are this one step between other samples. Events are assigned to k folds
by a hash of their identifier, and every prediction comes from models trained without the event's fold.
The hash, not the row, decides everything random: order and chunking of the events change nothing.
"""

from resonaut.learn.ratio.crossfit import CrossFit, auc, made_positive
from resonaut.learn.ratio.sample import Sample
from resonaut.learn.ratio.settings import (
    FeatureSettings,
    NetworkSettings,
    SetSettings,
    Settings,
    StepSettings,
    TreeSettings,
)

__all__ = [
    "CrossFit",
    "FeatureSettings",
    "NetworkSettings",
    "Sample",
    "SetSettings",
    "Settings",
    "StepSettings",
    "TreeSettings",
    "auc",
    "made_positive",
]
