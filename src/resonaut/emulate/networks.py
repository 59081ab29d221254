"""The network that several models of showers are made of."""

from torch import Tensor, nn
from torch.nn.functional import silu

# Numbers that the context becomes before blocks are told of it.
TOLD = 64


class Residual(nn.Module):
    """A perceptron with residual blocks (K. He et al., arXiv:1512.03385), each of which is told the context.

    Untrained it gives 0: what it adds to is then left as it is.
    """

    def __init__(self, inputs: int, context: int, outputs: int, width: int, blocks: int) -> None:
        super().__init__()
        self.first = nn.Linear(inputs, width)
        self.context = nn.Sequential(nn.Linear(context, TOLD), nn.SiLU(), nn.Linear(TOLD, TOLD), nn.SiLU())
        self.blocks = nn.ModuleList(Block(width) for _ in range(blocks))
        self.norm, self.last = nn.LayerNorm(width), nn.Linear(width, outputs)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)

    def forward(self, x: Tensor, context: Tensor) -> Tensor:
        """Outputs (n, outputs) of inputs (n, inputs) and context (n, context)."""
        hidden, told = self.first(x), self.context(context)
        for block in self.blocks:
            hidden = block(hidden, told)
        result: Tensor = self.last(silu(self.norm(hidden)))
        return result


class Block(nn.Module):
    """Adds to its input a perceptron of it and of what it is told."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm, self.told = nn.LayerNorm(width), nn.Linear(TOLD, width)
        self.inner, self.outer = nn.Linear(width, width), nn.Linear(width, width)

    def forward(self, hidden: Tensor, told: Tensor) -> Tensor:
        """The sum (n, width)."""
        added: Tensor = self.outer(silu(self.inner(silu(self.norm(hidden))) + self.told(told)))
        return hidden + added
