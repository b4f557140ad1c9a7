"""Writes ../fixtures/torch/special.json: what PyTorch computes where inputs are NaN, infinite or as large as 1e4.

A developer runs it after changing the cases; the tests read only its output.

    pip install torch==2.13.0
    python3 test/numerics/make_special_values.py

Each case is {name, program, inputs, expected}: a program of one entry, of whose results those are compared that `expected`
names. NaN is "nan".
"""

import json
import math
import pathlib

import torch
import torch.nn.functional as F
from torch_tensors import floats, tensor_json

OUTPUT = pathlib.Path(__file__).parent.parent / "fixtures" / "torch" / "special.json"
NAN, INF = math.nan, math.inf
cases = []


def stored(tensor):
    """As tensor_json, with NaN."""
    marked = tensor_json(torch.nan_to_num(tensor, nan=0.0, posinf=INF, neginf=-INF))
    for at, value in enumerate(tensor.reshape(-1).tolist()):
        if math.isnan(value):
            marked["data"][at] = "nan"
    return marked


def case(name, signature, body, expected, imports="", **inputs):
    program = f"{f'import std: {imports}' if imports else ''}\nmodel M() {{\n  entry run({signature}) {{ {body} }}\n}}\n"
    cases.append(
        {
            "name": name,
            "program": program.lstrip(),
            "inputs": {key: stored(value) for key, value in inputs.items()},
            "expected": {"y": stored(expected)},
        }
    )


def put(tensor, *values):
    """The tensor with values at places: ((0, 1, 2), NAN)."""
    changed = tensor.clone()
    for place, value in values:
        changed[place] = value
    return changed


def attend(q, k, v, mask):
    scores = torch.where(mask, q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5, -INF)
    return torch.softmax(scores, -1) @ v


T, D = 7, 3
q, k, v = (floats(1, 2, T, D) for _ in range(3))
causal = torch.ones(T, T).tril().bool()
heads = "q: [B, 2, T, 3], k: [B, 2, T, 3], v: [B, 2, T, 3]"
signature = f"{heads}) -> (y: [B, 2, T, 3]"
for label, changed in {
    "a query": dict(q=put(q, ((0, 0, 4, 1), NAN))),
    "a key": dict(k=put(k, ((0, 1, 2, 0), NAN))),
    "the first key": dict(k=put(k, ((0, 1, 0, 0), NAN))),
    "the first value": dict(v=put(v, ((0, 0, 0, 1), NAN))),
    "a later value": dict(v=put(v, ((0, 0, 4, 1), NAN))),
    "large scores": dict(q=q * 1e4, k=k * 10),
    "an infinite score": dict(q=put(q, ((0, 0, 3), 1.0)), k=put(k, ((0, 0, 2), INF))),
}.items():
    given = {"q": q, "k": k, "v": v} | changed
    for kind, mask, text in (("attention", torch.tensor(True), "attention(q, k, v)"), ("causal attention", causal, "attention(q, k, v, causal_mask(T))")):
        names = "attention, causal_mask" if kind.startswith("causal") else "attention"
        case(f"{kind}: {label}", signature, text, attend(mask=mask, **given), names, **given)

x = put(floats(4, 5), ((0, 2), NAN), ((1, 0), INF), ((2, 4), -INF), ((3, 1), 1e4), ((3, 2), -1e4))
row = "x: [N, 5]) -> (y: [N, 5]"
plain = put(floats(4, 5), ((0, 2), NAN), ((3, 1), 1e4), ((3, 2), -1e4))
case("softmax", row, "softmax(x)", torch.softmax(plain, -1), x=plain)
case("softmax of an infinity", row, "softmax(x)", torch.softmax(x, -1), x=x)
case("exponential", row, "exp(x)", torch.exp(x), x=x)
case("hyperbolic tangent", row, "tanh(x)", torch.tanh(x), x=x)
case("square root", row, "sqrt(x)", torch.sqrt(x), x=x)
case("logarithm", row, "log(x)", torch.log(x), x=x)
case("maximum with 0", row, "maximum(x, 0)", torch.maximum(x, torch.zeros(())), x=x)
case("minimum with 1", row, "minimum(x, 1)", torch.minimum(x, torch.ones(())), x=x)
case("choice", row, "where(x > 0, x, 2 * x)", torch.where(x > 0, x, 2 * x), x=x)
case("gelu", row, "gelu(x)", F.gelu(plain), "gelu", x=plain)
case("silu", row, "silu(x)", F.silu(plain), "silu", x=plain)
norm = "x: [N, 5], w: [5], b: [5]) -> (y: [N, 5]"
w, b = floats(5), floats(5)
mean = "let c = x - mean(x, axis = 1)\n c * rsqrt(mean(c * c, axis = 1) + 1e-5) * w + b"
case("layer norm", norm, mean, F.layer_norm(plain, (5,), w, b), x=plain, w=w, b=b)
case("sum of rows", "x: [N, 5]) -> (y: [N, 1]", "sum(x, axis = 1)", x.sum(1, keepdim=True), x=x)
case("largest of rows", "x: [N, 5]) -> (y: [N, 1]", "max(x, axis = 1)", x.amax(1, keepdim=True), x=x)
case("running sum", row, "cumsum(x, axis = 1)", x.cumsum(1), x=x)
other = put(floats(5, 3), ((1, 0), NAN))
case("product", "x: [N, 5], w: [5, 3]) -> (y: [N, 3]", "x @ w", plain @ other, x=plain, w=other)
case("product with what follows", "x: [N, 5], w: [5, 3]) -> (y: [N, 3]", "maximum(x @ w + 1, 0)", torch.maximum(plain @ other + 1, torch.zeros(())), x=plain, w=other)

lines = ",\n".join("  " + json.dumps(each, separators=(",", ":")) for each in cases)
OUTPUT.write_text(f'{{"cases":[\n{lines}\n]}}\n')
print(f"{len(cases)} cases")
