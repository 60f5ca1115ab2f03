"""Small modules of many kinds. Imported only where torch is."""

# Type checkers are not shown torch, so its Module is Any to them.
# mypy: disable-error-code="misc"

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional


class ResidualMlp(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.before = nn.Linear(8, 8)
        self.norm = nn.BatchNorm1d(8)
        self.drop = nn.Dropout(0.5)
        self.head = nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.drop(x + torch.relu(self.norm(self.before(x)))))


class ConvNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.SiLU(), nn.MaxPool2d(2),
            nn.Conv2d(4, 8, 3, groups=2), nn.GELU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 4),
        )  # fmt: skip

    def forward(self, pixels: Tensor) -> Tensor:
        return self.body(pixels)


class Temporal(nn.Module):
    """Dilated convolutions over time, any length."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv1d(4, 8, 3, padding=2, dilation=2)
        self.second = nn.ConvTranspose1d(8, 8, 3, stride=2)
        self.head = nn.Linear(8, 1)

    def forward(self, series: Tensor) -> Tensor:
        hidden = functional.elu(self.first(series.transpose(1, 2)))
        return self.head(self.second(hidden).mean(2))


class Lstm(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.cells = nn.LSTM(4, 8, 2, batch_first=True, bidirectional=True)
        self.head = nn.Linear(16, 2)

    def forward(self, series: Tensor) -> Tensor:
        return self.head(self.cells(series)[0][:, -1])


class Gru(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.cells = nn.GRU(4, 8, batch_first=True)
        self.head = nn.Linear(8, 1)

    def forward(self, series: Tensor) -> Tensor:
        return self.head(self.cells(series)[1][-1])


class Attention(nn.Module):
    """Embeddings, positions, encoder layers, masked mean: two inputs of variable length."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(50, 16)
        self.places = nn.Embedding(32, 16)
        layer = nn.TransformerEncoderLayer(16, 2, 32, batch_first=True, norm_first=True)
        self.layers = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.head = nn.Linear(16, 3)

    def forward(self, tokens: Tensor, mask: Tensor) -> Tensor:
        places = torch.arange(tokens.shape[1], device=tokens.device)
        hidden = self.words(tokens) + self.places(places)
        hidden = self.layers(hidden, src_key_padding_mask=mask == 0)
        weight = mask.unsqueeze(2).to(hidden.dtype)
        return self.head((hidden * weight).sum(1) / weight.sum(1))


class Bag(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.words = nn.EmbeddingBag(50, 16, mode="mean")
        self.head = nn.Linear(16, 2)

    def forward(self, tokens: Tensor) -> Tensor:
        return self.head(self.words(tokens))


class WideAndDeep(nn.Module):
    """Numbers, a category and an optional context, by name."""

    def __init__(self) -> None:
        super().__init__()
        self.city = nn.Embedding(7, 4)
        self.deep = nn.Sequential(nn.Linear(9, 16), nn.Mish(), nn.Linear(16, 1))

    def forward(self, numbers: Tensor, city: Tensor, context: Tensor | None = None) -> Tensor:
        found = self.deep(torch.cat((numbers, self.city(city)), 1))
        return found if context is None else found + context


class Columns(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(2, 1)

    def forward(self, age: Tensor, income: Tensor) -> Tensor:
        return self.layer(torch.stack((age / 50, income / 1000), 1))


class Heads(nn.Module):
    """Several answers by name, one of them absent."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Linear(6, 8)
        self.place = nn.Linear(8, 4)
        self.kind = nn.Linear(8, 3)

    def forward(self, x: Tensor) -> dict[str, Any]:
        hidden = torch.tanh(self.body(x))
        return {"box": self.place(hidden), "kind": self.kind(hidden).argmax(1), "loss": None}


class Pair(NamedTuple):
    mean: Tensor
    spread: Tensor


class Gaussian(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(6, 4)

    def forward(self, x: Tensor) -> Pair:
        mean, spread = self.layer(x).chunk(2, 1)
        return Pair(mean, functional.softplus(spread))


class UNet(nn.Module):
    """Pictures in, pictures out, of any even size."""

    def __init__(self) -> None:
        super().__init__()
        self.down = nn.Conv2d(3, 6, 3, padding=1, stride=2)
        self.up = nn.ConvTranspose2d(6, 3, 2, stride=2)

    def forward(self, pixels: Tensor) -> Tensor:
        hidden = functional.interpolate(torch.relu(self.down(pixels)), scale_factor=1.0)
        return torch.sigmoid(self.up(hidden) + pixels)


class Distances(nn.Module):
    """Nearest of a few prototypes."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("prototypes", torch.randn(5, 6))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        apart = (x.unsqueeze(1) - self.prototypes).norm(dim=2)
        found = torch.topk(-apart, 2, dim=1)
        return found.values, found.indices


class Choice(nn.Module):
    """Which way a row goes depends on its values, row by row."""

    def __init__(self) -> None:
        super().__init__()
        self.low = nn.Linear(6, 3)
        self.high = nn.Linear(6, 3)

    def forward(self, x: Tensor) -> Tensor:
        return torch.where(x.sum(1, keepdim=True) > 0, self.high(x), self.low(x))


class Shortcut(nn.Module):
    """A branch on values that never changes an answer: only TorchScript can write it down."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(6, 3)

    def forward(self, x: Tensor) -> Tensor:
        if bool((x > 0).any()):
            return self.layer(x.clamp(min=0))
        return self.layer(torch.zeros_like(x))


class Steps(nn.Module):
    """A loop over time whose length is the input's."""

    def __init__(self) -> None:
        super().__init__()
        self.cell = nn.GRUCell(4, 5)

    def forward(self, series: Tensor) -> Tensor:
        state = torch.zeros(series.shape[0], 5)
        for place in range(series.shape[1]):
            state = self.cell(series[:, place], state)
        return state


class Changing(nn.Module):
    """Changes its input in place; the caller's rows must stay."""

    def forward(self, x: Tensor) -> Tensor:
        x.mul_(2)
        return x + 1


class Counting(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("seen", torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        self.seen += 1
        return x * 2


class Noisy(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return functional.dropout(x, 0.5)


class BatchStatistics(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(6, track_running_stats=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(x)


_FACTORS = (1.0,) * 10


class FixedRows(nn.Module):
    """Looks the number of rows up in a tuple: torch.export fixes it, TorchScript cannot."""

    def forward(self, x: Tensor) -> Tensor:
        return x * _FACTORS[x.shape[0]]


class Squeezed(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.sum(1, keepdim=True).squeeze()


class TimeFirst(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.cells = nn.LSTM(4, 8)

    def forward(self, series: Tensor) -> Tensor:
        return self.cells(series)[0][-1]


class Spectrum(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.linalg.svdvals(x.unsqueeze(2) * x.unsqueeze(1))


class Neighbours(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.cdist(x, torch.ones(2, 6))


class Reading(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x * len(set(x.flatten().tolist()))


class Complex(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.complex(x, x)


class Words(nn.Module):
    def forward(self, x: Tensor) -> tuple[Tensor, str]:
        return x, "fine"


class Unused(nn.Module):
    """Takes what it does not use: callers send it all the same."""

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return x + 1
