"""Tensors for the fixtures of ../fixtures/torch: random ones, and how they are written as JSON."""

import math

import torch

NAMES = {torch.float32: "f32", torch.int32: "i32", torch.int64: "i32", torch.bool: "bool"}

generator = torch.Generator().manual_seed(20240608)


def floats(*shape, scale=1.0):
    """Random f32 of few digits, so that the file stays small."""
    return (torch.randn(shape, generator=generator) * scale * 256).round() / 256


def integers(*shape, low=0, high=10):
    return torch.randint(low, high, shape, generator=generator, dtype=torch.int32)


def booleans(*shape):
    return torch.randint(0, 2, shape, generator=generator).bool()


def shortest(value):
    """The shortest decimal that rounds to this f32."""
    if not isinstance(value, float):
        return int(value)
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    assert not math.isnan(value)
    for digits in range(1, 9):
        short = float(f"{value:.{digits}g}")
        if torch.tensor(short, dtype=torch.float32).item() == value:
            return int(short) if short == int(short) and abs(short) < 1e15 else short
    return float(f"{value:.9g}")


def tensor_json(tensor):
    return {
        "element": NAMES[tensor.dtype],
        "shape": list(tensor.shape),
        "data": [shortest(value) for value in tensor.detach().reshape(-1).tolist()],
    }


def randomised(module):
    """A module whose parameters are all random: also the norms' and the biases, which begin as ones and zeros."""
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(floats(*parameter.shape, scale=0.5))
    return module
