"""Writes ../fixtures/torch/operators.json: what PyTorch computes for every operator of the Graph.

A developer runs it after changing the cases; the tests read only its output.

    pip install torch==2.13.0
    python3 test/numerics/make_torch_values.py

Each case is {operator, attributes, operands, f32, f64}: the operator's name and attributes as in operators.ts (shapes as
plain numbers), the operands, and the results with floats as f32 and as f64 (the same operands, converted). Tensors are
{element, shape, data}; NaN and infinities are strings, as JSON has none. Where the Graph means something else than
PyTorch (a softmax of -inf alone, 1 ** NaN, casts out of range, i32 division by 0), there is no case here, and the
interpreter's own tests say what holds.
"""

import json
import math
import pathlib

import torch

OUTPUT = pathlib.Path(__file__).parent.parent / "fixtures" / "torch" / "operators.json"
TYPES = {"f32": torch.float32, "f16": torch.float16, "i32": torch.int32, "bool": torch.bool}
NAMES = {torch.float32: "f32", torch.float64: "f32", torch.float16: "f16", torch.int32: "i32", torch.bool: "bool"}

generator = torch.Generator().manual_seed(20240607)
cases = []


def floats(*shape, scale=2.0):
    """Random f32 of moderate size."""
    return torch.randn(shape, generator=generator) * scale


def positive(*shape):
    return floats(*shape).abs() + 0.01


def integers(*shape, low=-9, high=10):
    return torch.randint(low, high, shape, generator=generator, dtype=torch.int32)


def booleans(*shape):
    return torch.randint(0, 2, shape, generator=generator).bool()


def number(value):
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int):
        return value
    if math.isnan(value):
        return "nan"
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    return value


def shortest(value):
    """The shortest decimal that rounds to this f32."""
    if not isinstance(value, float) or not math.isfinite(value):
        return number(value)
    for digits in range(1, 9):
        short = float(f"{value:.{digits}g}")
        if torch.tensor(short, dtype=torch.float32).item() == value:
            return short
    return float(f"{value:.9g}")


def tensor_json(tensor, element=None):
    write = number if tensor.dtype == torch.float64 else shortest
    data = [write(value) for value in tensor.reshape(-1).tolist()]
    return {"element": element or NAMES[tensor.dtype], "shape": list(tensor.shape), "data": data}


def add(operator, compute, operands, **attributes):
    """Adds the case of an operator; `compute` takes the operands and is called twice, with floats as f32 and as f64."""
    doubles = [x.double() if x.dtype == torch.float32 else x for x in operands]
    f32 = compute(*operands)
    f64 = compute(*doubles)
    narrow = f64.dtype in (torch.float16, torch.float32)
    case = {
        "operator": operator,
        "attributes": attributes,
        "operands": [tensor_json(x) for x in operands],
        "f32": tensor_json(f32),
    }
    if not narrow:
        case["f64"] = tensor_json(f64)
    cases.append(case)


SPECIAL = torch.tensor([math.nan, math.inf, -math.inf, 0.0, -0.0, 1.0, -1.0, 1e-30, 1e30, -1e30, 3e-39, 0.5, -2.5, 1e4])
SHAPES = [(), (7,), (3, 5), (2, 1, 3), (0, 4), (1, 1)]

UNARY = {
    "neg": torch.neg, "abs": torch.abs, "exp": torch.exp, "log": torch.log, "log2": torch.log2, "sqrt": torch.sqrt,
    "rsqrt": torch.rsqrt, "sin": torch.sin, "cos": torch.cos, "tanh": torch.tanh, "erf": torch.erf,
    "floor": torch.floor, "ceil": torch.ceil,
}
for name, function in UNARY.items():
    moderate = SPECIAL if name not in ("sin", "cos") else SPECIAL[SPECIAL.abs() != 1e30]
    add(name, function, [moderate])
    for shape in SHAPES:
        add(name, function, [positive(*shape) if name in ("log", "log2", "sqrt", "rsqrt") else floats(*shape)])
add("erf", torch.erf, [torch.linspace(-7, 7, 101)])
add("exp", torch.exp, [torch.linspace(-110, 90, 57)])
add("tanh", torch.tanh, [torch.linspace(-12, 12, 57)])
add("sin", torch.sin, [torch.linspace(-3000, 3000, 57)])
for name in ("neg", "abs"):
    add(name, UNARY[name], [integers(3, 5)])
    add(name, UNARY[name], [torch.tensor([-(2**31), 2**31 - 1, 0], dtype=torch.int32)])
    add(name, UNARY[name], [floats(5).half()])
add("not", torch.logical_not, [booleans(3, 5)])

PAIRS = [((3, 5), (3, 5)), ((4, 1, 3), (5, 1)), ((), (7,)), ((2, 3), (3,)), ((0, 3), (1, 3)), ((1,), (0,)), ((1, 1), ())]
ARITHMETIC = {
    "add": torch.add, "sub": torch.sub, "mul": torch.mul, "div": torch.div, "floor_div": torch.floor_divide,
    "mod": torch.remainder, "pow": torch.pow, "maximum": torch.maximum, "minimum": torch.minimum,
    "lt": torch.lt, "le": torch.le, "eq": torch.eq, "ne": torch.ne,
}
row, column = SPECIAL.reshape(1, -1), SPECIAL.reshape(-1, 1)
big = torch.tensor([2**31 - 1, -(2**31), 2**30 + 7, -3, 65536, 123456789], dtype=torch.int32)
for name, function in ARITHMETIC.items():
    for left, right in PAIRS:
        add(name, function, [positive(*left) if name == "pow" else floats(*left), floats(*right)])
    if name == "pow":
        finite = SPECIAL[SPECIAL.isfinite()]
        add(name, function, [finite.reshape(-1, 1), torch.tensor([0.0, 1.0, 2.0, 3.0, -1.0, 0.5, -2.0])])
    else:
        add(name, function, [row, column])
    add(name, function, [floats(9).half(), floats(9).half()])
    if name == "div":
        continue
    wholes = integers(5)
    wholes[wholes == 0] = 4
    add(name, function, [integers(3, 5), wholes.abs() if name == "pow" else wholes])
    if name in ("floor_div", "mod"):
        add(name, function, [big.reshape(-1, 1), torch.tensor([7, -7, 65536, -1000003], dtype=torch.int32)])
    elif name != "pow":
        add(name, function, [big.reshape(-1, 1), big])
    else:
        add(name, function, [big.reshape(-1, 1), torch.tensor([0, 1, 2, 3, 5], dtype=torch.int32)])
for name, function in {"and": torch.logical_and, "or": torch.logical_or, "eq": torch.eq, "ne": torch.ne}.items():
    add(name, function, [booleans(4, 1), booleans(1, 4)])

REDUCTIONS = {"sum": torch.sum, "mean": torch.mean, "max": torch.amax, "min": torch.amin}
for name, function in REDUCTIONS.items():
    for shape in [(7,), (3, 5), (2, 3, 4), (1, 1), (0, 3), (3, 0)]:
        for axis in range(len(shape)):
            if shape[axis] == 0 and name in ("max", "min"):
                continue
            reduce = lambda x, f=function, a=axis: f(x, dim=a, keepdim=True).to(x.dtype)
            add(name, reduce, [floats(*shape)], axis=axis)
            if name != "mean":
                add(name, reduce, [integers(*shape)], axis=axis)
    last = lambda x, f=function: f(x, dim=1, keepdim=True)
    finite = SPECIAL.nan_to_num(5.0, 6.0, -7.0).where(SPECIAL.abs() != 1e30, 2.0)
    add(name, last, [torch.stack([SPECIAL, SPECIAL.flip(0), finite])], axis=1)
    add(name, last, [torch.tensor([[math.inf, 1.0], [-math.inf, 1.0], [-math.inf, -math.inf]])], axis=1)
add("sum", lambda x: torch.sum(x, dim=0, keepdim=True).to(torch.int32), [big], axis=0)
for name, function in {"any": torch.any, "all": torch.all}.items():
    for shape in [(7,), (3, 5), (0, 3), (3, 0)]:
        for axis in range(len(shape)):
            add(name, lambda x, f=function, a=axis: f(x, dim=a, keepdim=True), [booleans(*shape)], axis=axis)


def argmax(x, axis):
    """The lowest index among equals, NaN largest, which torch.argmax does not promise."""
    return torch.sort(x, dim=axis, descending=True, stable=True).indices.narrow(axis, 0, 1).to(torch.int32)


repeated = torch.tensor([[1.0, 3.0, 3.0, 2.0], [0.0, -0.0, 0.0, -1.0], [math.nan, 4.0, math.nan, 9.0], [-math.inf] * 4])
for axis in (0, 1):
    add("argmax", lambda x, a=axis: argmax(x, a), [repeated], axis=axis)
    add("argmax", lambda x, a=axis: argmax(x, a), [integers(3, 5, low=0, high=3)], axis=axis)
for axis in (0, 1, 2):
    add("argmax", lambda x, a=axis: argmax(x, a), [floats(2, 3, 5)], axis=axis)


def topk(x, k):
    return torch.sort(x, dim=-1, descending=True, stable=True).indices[..., :k].to(torch.int32)


for k in (0, 1, 3, 4):
    add("topk", lambda x, k=k: topk(x, k), [repeated], k=k)
    add("topk", lambda x, k=k: topk(x, k), [floats(2, 3, 5)], k=k)
    add("topk", lambda x, k=k: topk(x, k), [integers(3, 5, low=0, high=3)], k=k)
add("topk", lambda x: topk(x, 2), [floats(0, 5)], k=2)

extreme = torch.tensor([[1e4, -1e4, 0.0], [-1e4, -1e4, -1e4], [-math.inf, 0.0, 1.0], [math.nan, 0.0, 1.0], [math.inf, 0.0, 1.0]])
for axis in (0, 1):
    add("softmax", lambda x, a=axis: torch.softmax(x, a), [floats(3, 5, scale=4)], axis=axis)
add("softmax", lambda x: torch.softmax(x, 1), [extreme], axis=1)
for axis in (0, 1, 2):
    add("softmax", lambda x, a=axis: torch.softmax(x, a), [floats(2, 3, 5, scale=4)], axis=axis)
    add("cumsum", lambda x, a=axis: torch.cumsum(x, a), [floats(2, 3, 5)], axis=axis)
    add("cumsum", lambda x, a=axis: torch.cumsum(x, a).to(torch.int32), [integers(2, 3, 5)], axis=axis)
add("softmax", lambda x: torch.softmax(x, 1), [floats(3, 0)], axis=1)
add("softmax", lambda x: torch.softmax(x, 0), [floats(1)], axis=0)
add("cumsum", lambda x: torch.cumsum(x, 0), [torch.tensor([1.0, math.inf, 2.0, math.nan, 3.0])], axis=0)
add("cumsum", lambda x: torch.cumsum(x, 0).to(torch.int32), [big], axis=0)
add("cumsum", lambda x: torch.cumsum(x, 0), [floats(0)], axis=0)


def einsum(equation, *operands):
    """A case for an equation with one letter per label; the labels are numbered as they appear."""
    left, output = equation.replace(" ", "").split("->")
    numbers = {}
    for letter in left.replace(",", ""):
        numbers.setdefault(letter, len(numbers))
    inputs = [[numbers[letter] for letter in part] for part in left.split(",")]
    result = lambda *x: torch.einsum(equation, *x)
    if operands[0].dtype == torch.int32:
        result = lambda *x: torch.einsum(equation, *[each.long() for each in x]).to(torch.int32)
    add("einsum", result, list(operands), inputs=inputs, output=[numbers[letter] for letter in output])


einsum("ij,jk->ik", floats(3, 5), floats(5, 7))
einsum("ij,jk->ik", floats(1, 1), floats(1, 1))
einsum("ij,jk->ki", floats(3, 5), floats(5, 7))
einsum("btk,kn->btn", floats(2, 3, 5), floats(5, 4))
einsum("btk,nk->btn", floats(2, 3, 5), floats(4, 5))
einsum("bhtk,bhsk->bhts", floats(2, 3, 4, 5), floats(2, 3, 7, 5))
einsum("bhts,bhsk->bthk", floats(2, 3, 4, 5), floats(2, 3, 5, 3))
einsum("bhts,bhsk->bhtk", floats(1, 3, 4, 5), floats(2, 1, 5, 3))
einsum("ij,jk->ik", floats(3, 1), floats(5, 7))
einsum("i,i->", floats(7), floats(7))
einsum("i,j->ij", floats(3), floats(4))
einsum("ij->", floats(3, 4))
einsum("ij->ji", floats(3, 4))
einsum("ijk->j", floats(3, 4, 2))
einsum("ij,j->i", floats(3, 0), floats(0))
einsum("ij,jk->ik", floats(0, 5), floats(5, 3))
einsum("td,tafd,ta->ta", floats(2, 3), floats(2, 4, 5, 3), floats(2, 4))
einsum("taf,tadf,ta->td", floats(2, 3, 5), floats(2, 3, 4, 5), floats(2, 3))
einsum("a,b,c,abc->", floats(2), floats(3), floats(5), floats(2, 3, 5))
einsum(",i->i", floats(), floats(3))
einsum("ij,jk->ik", integers(3, 5), integers(5, 2))
einsum("i,i->", big, big)
einsum("ij,jk->ik", torch.tensor([[1.0, math.nan], [2.0, 0.0]]), torch.tensor([[1.0, 2.0], [3.0, math.inf]]))

add("where", torch.where, [booleans(3, 5), floats(3, 5), floats(3, 5)])
add("where", torch.where, [booleans(4, 1), floats(1, 3), floats(1)])
add("where", torch.where, [booleans(2), integers(3, 2), integers(1, 1)])
add("where", torch.where, [booleans(3), booleans(3), booleans(3)])
add("where", torch.where, [torch.tensor([True, False]), torch.tensor([1.0, math.nan]), torch.tensor([math.nan, 2.0])])

add("cast", lambda x: x.to(torch.int32), [floats(11, scale=9)], to="i32")
add("cast", lambda x: x.bool(), [SPECIAL], to="bool")
add("cast", lambda x: x.half(), [SPECIAL], to="f16")
halfway = torch.tensor([65504.0, 65519.99, 65520.0, -65520.0, 2049.0, 2051.0, 5.9604645e-8, 2.9802322e-8, 2.99e-8, 8.9e-8, 6.1e-5])
add("cast", lambda x: x.half(), [halfway], to="f16")
add("cast", lambda x: x.float(), [floats(9).half()], to="f32")
add("cast", lambda x: x.to(torch.float32), [big], to="f32")
add("cast", lambda x: x.to(torch.float32), [booleans(5)], to="f32")
add("cast", lambda x: x.to(torch.int32), [booleans(5)], to="i32")
add("cast", lambda x: x.bool(), [integers(9, low=-1, high=2)], to="bool")

for permutation in [(0, 2, 1), (2, 0, 1), (1, 2, 0)]:
    add("transpose", lambda x, p=permutation: x.permute(p), [floats(2, 3, 5)], permutation=list(permutation))
add("transpose", lambda x: x.permute(1, 0), [booleans(0, 3)], permutation=[1, 0])
for shape in [(30,), (5, 6), (1, 2, 15, 1)]:
    add("reshape", lambda x, s=shape: x.reshape(s), [floats(2, 3, 5)], shape=list(shape))
add("reshape", lambda x: x.reshape(()), [integers(1, 1)], shape=[])
for start, shape in [((3, 1), (2, 3, 5)), ((), (2, 2)), ((1, 4), (0, 4)), ((1,), (3,))]:
    add("broadcast", lambda x, s=shape: x.broadcast_to(s), [floats(*start)], shape=list(shape))
for axis, start, length in [(0, 1, 1), (1, 0, 2), (2, 3, 2), (1, 1, 0), (2, 5, 0)]:
    cut = lambda x, a=axis, s=start, n=length: x.narrow(a, s, n)
    add("slice", cut, [floats(2, 3, 5)], axis=axis, start=start, length=length)
for axis in (0, 1):
    shapes = [[2, 3], [2, 3], [2, 3]]
    shapes[1][axis] = 4
    add("concat", lambda *x, a=axis: torch.cat(x, a), [floats(*shape) for shape in shapes], axis=axis)
add("concat", lambda *x: torch.cat(x, 1), [integers(2, 0), integers(2, 3), integers(2, 0), integers(2, 2)], axis=1)

for axis in (0, 1, 2):
    for shape in [(), (4,), (2, 3), (0,)]:
        extent = (2, 3, 5)[axis]
        pick = lambda x, i, a=axis: x[(slice(None),) * a + (i.clamp(0, x.shape[a] - 1).long(),)]
        add("take", pick, [floats(2, 3, 5), integers(*shape, low=-2, high=extent + 2)], axis=axis)
add("take", lambda x, i: x[i.long()], [booleans(3, 2), integers(5, low=0, high=3)], axis=0)


def element(x, *indices):
    return x[tuple(index.clamp(0, size - 1).long() for index, size in zip(indices, x.shape))]


add("element", element, [floats(3, 5), integers(4, 1, low=-1, high=4), integers(1, 3, low=-1, high=6)])
add("element", element, [integers(7), integers(2, 3, low=0, high=7)])
add("element", element, [floats(2, 3, 5), integers(low=0, high=2), integers(4, low=0, high=3), integers(2, 1, low=0, high=5)])
add("element", element, [floats(2, 3), integers(0, low=0, high=2), integers(1, low=0, high=3)])

for axis, shape in [(0, (4,)), (1, (2, 5)), (0, (3, 2, 2)), (1, (3, 0))]:
    view = [1] * len(shape)
    view[axis] = shape[axis]
    ramp = lambda s=shape, a=axis, v=view: torch.arange(s[a], dtype=torch.int32).reshape(v).broadcast_to(s)
    add("iota", ramp, [], axis=axis, shape=list(shape))

OUTPUT.parent.mkdir(parents=True, exist_ok=True)
lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases)
OUTPUT.write_text(f'{{"torch":"{torch.__version__.split("+")[0]}","cases":[\n{lines}\n]}}\n')
print(f"{len(cases)} cases, {OUTPUT.stat().st_size} bytes")
