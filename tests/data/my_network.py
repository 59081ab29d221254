"""A particle-flow network (P. Komiske, E. Metodiev, J. Thaler, arXiv:1810.05165): a mean over the constituents."""

from torch import nn

from resonaut.tag.architectures import Network
from resonaut.tag.inputs import FEATURES

WIDTH = 32


class ParticleFlow(nn.Module):
    def __init__(self, settings):
        super().__init__()
        layers = nn.Conv1d(len(FEATURES), WIDTH, 1), nn.ReLU(), nn.Conv1d(WIDTH, WIDTH, 1), nn.ReLU()
        self.constituent = nn.Sequential(*layers)
        last = nn.Linear(WIDTH, len(settings.outputs))
        self.jet = nn.Sequential(nn.Linear(WIDTH, WIDTH), nn.ReLU(), nn.Dropout(settings.dropout), last)

    def forward(self, features, vectors, mask):
        return self.jet((self.constituent(features) * mask).sum(dim=2) / mask.sum(dim=2))


NETWORKS = {"particle_flow": Network("ParticleFlow")}
