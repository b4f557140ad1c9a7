"""Writes ../fixtures/torch/std.json: what PyTorch and transformers compute for every definition of dsl/std.

A developer runs it after changing the cases; the tests read only its output.

    pip install torch==2.13.0 transformers==5.23.0
    python3 test/numerics/make_std_values.py

Each case is {name, imports, layers, arguments, result, body, inputs, weights, expected, tolerance, relative}: the parts
of a small model that calls the definition (std.test.ts puts them together), and the tensors. Tensors are {element,
shape, data}; infinities are strings, as JSON has none.
"""

import json
import math
import pathlib

import torch
import torch.nn.functional as F
from torch_tensors import NAMES, booleans, floats, integers, randomised, tensor_json
from transformers import LlamaConfig
from transformers.activations import ACT2FN
from transformers.masking_utils import chunked_overlay, sliding_window_overlay
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS
from transformers.models.bloom.modeling_bloom import build_alibi_tensor
from transformers.models.deepseek_v3.modeling_deepseek_v3 import DeepseekV3Config, DeepseekV3TopkRouter
from transformers.models.gemma.modeling_gemma import GemmaRMSNorm
from transformers.models.gptj import modeling_gptj as gptj
from transformers.models.llama import modeling_llama as llama
from transformers.models.mixtral.modeling_mixtral import MixtralConfig, MixtralExperts
from transformers.models.t5.modeling_t5 import T5Attention
from transformers.models.vit.modeling_vit import ViTConfig, ViTPatchEmbeddings

OUTPUT = pathlib.Path(__file__).parent.parent / "fixtures" / "torch" / "std.json"
DEFAULT_TOLERANCE = 2e-6

cases = []


def case(
    name,
    body,
    expected,
    arguments="",
    result=None,
    imports="",
    layers=(),
    tolerance=DEFAULT_TOLERANCE,
    relative=False,
    **given,
):
    """A call of the definition `name`. `given` are the inputs; `weights` is a module's state or a dict of tensors.

    The tolerance is relative to numbers above 1, and absolute below, unless `relative`. `arguments` gives the types of
    the inputs where their sizes are to have names, and `result` that of the result.
    """
    weights = given.pop("weights", {})
    weights = weights.state_dict() if isinstance(weights, torch.nn.Module) else weights

    def type_of(tensor):
        element = NAMES[tensor.dtype]
        return f"{'' if element == 'f32' else element}[{', '.join(map(str, tensor.shape))}]"

    cases.append(
        {
            "name": name,
            "imports": sorted({name, *imports.split()}),
            "layers": list(layers),
            "arguments": arguments or ", ".join(f"{key}: {type_of(value)}" for key, value in given.items()),
            "result": result or type_of(expected),
            "body": body,
            "inputs": {key: tensor_json(value) for key, value in given.items()},
            "weights": {key: tensor_json(value) for key, value in weights.items()},
            "expected": tensor_json(expected),
            "tolerance": tolerance,
            "relative": relative,
        }
    )


# ---- activations

wide = torch.cat([floats(20, scale=3.0), torch.tensor([0.0, -0.0, 1e-6, -30.0, 30.0, 100.0, -100.0])])
activations = {
    "sigmoid": torch.sigmoid,
    "relu": F.relu,
    "silu": F.silu,
    "gelu": F.gelu,
    "gelu_tanh": ACT2FN["gelu_new"],
    "quick_gelu": ACT2FN["quick_gelu"],
}
for name, function in activations.items():
    case(name, f"{name}(x)", function(wide), x=wide)
case("gelu_tanh", "gelu_tanh(x)", F.gelu(wide, approximate="tanh"), x=wide, arguments="x: [N]", result="[N]")
case("clamp", "clamp(x, -1, 2.5)", wide.clamp(-1, 2.5), x=wide)
case("softcap", "softcap(x, 2)", torch.tanh(wide / 2) * 2, x=wide)
case("softcap", "softcap(x, 0)", wide, x=wide)

# ---- layers

x = floats(2, 3, 8)
named = {"arguments": "x: [B, T, 8]", "result": "[B, T, 8]"}
case("Identity", "layer(x)", x, x=x, layers=["layer = Identity()"])
linear = randomised(torch.nn.Linear(8, 5))
case(
    "Linear",
    "f(x)",
    linear(x),
    x=x,
    layers=["f = Linear(5)"],
    weights={f"f.{k}": v for k, v in linear.state_dict().items()},
)
linear = randomised(torch.nn.Linear(8, 8, bias=False))
case(
    "Linear",
    "f(x)",
    linear(x),
    x=x,
    layers=["f = Linear(8, bias = false)"],
    weights={"f.weight": linear.weight},
    **named,
)
norm = randomised(torch.nn.LayerNorm(8, eps=1e-3))
case(
    "LayerNorm",
    "f(x)",
    norm(x),
    x=x,
    layers=["f = LayerNorm(1e-3)"],
    weights={f"f.{k}": v for k, v in norm.state_dict().items()},
    **named,
)
case(
    "LayerNorm",
    "f(x)",
    norm(x),
    x=x,
    layers=["f = LayerNorm(1e-3)"],
    weights={"f.gamma": norm.weight, "f.beta": norm.bias},
)
norm = randomised(torch.nn.LayerNorm(8, bias=False))
case("LayerNorm", "f(x)", norm(x), x=x, layers=["f = LayerNorm(bias = false)"], weights={"f.weight": norm.weight})
constant_rows = torch.full((2, 8), 3.0)
case(
    "LayerNorm",
    "f(x)",
    norm(constant_rows),
    x=constant_rows,
    layers=["f = LayerNorm(bias = false)"],
    weights={"f.weight": norm.weight},
)
norm = randomised(torch.nn.RMSNorm(8, eps=1e-6))
case("RMSNorm", "f(x)", norm(x), x=x, layers=["f = RMSNorm()"], weights={"f.weight": norm.weight}, **named)
norm = randomised(llama.LlamaRMSNorm(8, eps=1e-2))
case("RMSNorm", "f(x)", norm(x), x=x, layers=["f = RMSNorm(1e-2)"], weights={"f.weight": norm.weight})
norm = randomised(GemmaRMSNorm(8, eps=1e-6))
case("RMSNorm", "f(x)", norm(x), x=x, layers=["f = RMSNorm(offset = 1)"], weights={"f.weight": norm.weight})
config = LlamaConfig(hidden_size=8, num_attention_heads=1, intermediate_size=12, hidden_act="silu")
mlp = randomised(llama.LlamaMLP(config))
case(
    "GatedMLP",
    "f(x)",
    mlp(x),
    x=x,
    layers=["f = GatedMLP(12)"],
    weights={f"f.{k}": v for k, v in mlp.state_dict().items()},
    **named,
)
config.hidden_act = "gelu_pytorch_tanh"
gemma = llama.LlamaMLP(config)
gemma.load_state_dict(mlp.state_dict())
case(
    "GatedMLP",
    "f(x)",
    gemma(x),
    x=x,
    imports="gelu_tanh",
    layers=["f = GatedMLP(12, act = gelu_tanh)"],
    weights={f"f.{k}": v for k, v in mlp.state_dict().items()},
)

sound = floats(2, 3, 11)
for size, stride, padding in [(3, 1, 0), (3, 1, 1), (3, 2, 1), (4, 3, 2), (1, 1, 0), (5, 2, 4), (11, 1, 0)]:
    conv = randomised(torch.nn.Conv1d(3, 4, size, stride=stride, padding=padding))
    written = (
        f"f = Conv1d(4, {size}"
        + (f", stride = {stride}" if stride > 1 else "")
        + (f", padding = {padding}" if padding else "")
        + ")"
    )
    case(
        "Conv1d",
        "f(x)",
        conv(sound),
        x=sound,
        layers=[written],
        weights={f"f.{k}": v for k, v in conv.state_dict().items()},
    )
conv = randomised(torch.nn.Conv1d(3, 4, 3, stride=2, padding=1))
case(
    "Conv1d",
    "f(x)",
    conv(sound),
    x=sound,
    layers=["f = Conv1d(4, 3, 2, 1)"],
    weights={f"f.{k}": v for k, v in conv.state_dict().items()},
    arguments="x: [B, 3, T <= 100]",
    result="[B, 4, (T - 1) // 2 + 1]",
)
image = floats(2, 3, 4, 6)
config = ViTConfig(image_size=(4, 6), patch_size=2, num_channels=3, hidden_size=5)
patches = randomised(ViTPatchEmbeddings(config))
weights = {f"f.{k.replace('projection.', '')}": v for k, v in patches.state_dict().items()}
case("PatchEmbedding", "f(x)", patches(image), x=image, layers=["f = PatchEmbedding(5, 2)"], weights=weights)
conv = randomised(torch.nn.Conv1d(3, 4, 3, bias=False))
case("Conv1d", "f(x)", conv(sound), x=sound, layers=["f = Conv1d(4, 3, bias = false)"], weights={"f.weight": conv.weight})
project = randomised(torch.nn.Conv2d(3, 5, 2, stride=2, bias=False))
case(
    "PatchEmbedding",
    "f(x)",
    project(image).flatten(2).transpose(1, 2),
    x=image,
    layers=["f = PatchEmbedding(5, 2, bias = false)"],
    weights={"f.weight": project.weight},
)

# ---- heads

x = floats(2, 3, 8)
heads = x.view(2, 3, 4, 2).transpose(1, 2)
case("split_heads", "split_heads(x, 4)", heads, x=x, arguments="x: [B, T, 8]", result="[B, 4, T, 2]")
case(
    "merge_heads",
    "merge_heads(x)",
    heads.transpose(1, 2).reshape(2, 3, 8),
    x=heads,
    arguments="x: [B, 4, T, 2]",
    result="[B, T, 8]",
)
few = floats(2, 2, 3, 4)
case(
    "repeat_heads",
    "repeat_heads(x, 3)",
    llama.repeat_kv(few, 3),
    x=few,
    arguments="x: [B, 2, T, 4]",
    result="[B, 6, T, 4]",
)
case("repeat_heads", "repeat_heads(x, 1)", few, x=few)

# ---- masks


def mask(T, S, allowed):
    return torch.tensor([[allowed(t + S - T, s) for s in range(S)] for t in range(T)])


x = floats(5, 7)
square = floats(5, 5)
sized = {"arguments": "x: [T, S]", "result": "bool[T, S]"}
case("causal_mask", "causal_mask(5)", torch.ones(5, 5).tril().bool())
case("causal_mask", "causal_mask(T, S)", torch.ones(5, 7).tril(2).bool(), x=x, **sized)
case(
    "causal_mask",
    "causal_mask(T)",
    torch.ones(5, 5).tril().bool(),
    x=square,
    arguments="x: [T, T]",
    result="bool[T, T]",
)
for T, S, window in [(6, 6, 1), (6, 6, 3), (6, 6, 100), (3, 7, 4), (6, 6, 0)]:
    overlay = sliding_window_overlay(window)
    expected = mask(T, S, lambda q, k: k <= q and (window == 0 or bool(overlay(0, 0, q, k))))
    case("window_mask", f"window_mask({T}, {window}" + ("" if S == T else f", {S}") + ")", expected)
case("window_mask", "window_mask(T, 2, S)", mask(5, 7, lambda q, k: q - 2 < k <= q), x=x, **sized)
for T, S, chunk in [(7, 7, 1), (7, 7, 3), (7, 7, 100), (3, 8, 4)]:
    overlay = chunked_overlay(chunk, torch.zeros(1, dtype=torch.int64))
    expected = mask(T, S, lambda q, k: k <= q and bool(overlay(0, 0, torch.tensor(q), torch.tensor(k))))
    case("chunk_mask", f"chunk_mask({T}, {chunk}" + ("" if S == T else f", {S}") + ")", expected)
keep = torch.tensor([[1, 1, 0, 2], [0, 1, 1, 0]], dtype=torch.int32)
case("padding_mask", "padding_mask(keep, 3)", keep.bool()[:, None, None, :].expand(2, 1, 3, 4), keep=keep)
case(
    "padding_mask",
    "padding_mask(keep, S)",
    keep.bool()[:, None, None, :].expand(2, 1, 4, 4),
    keep=keep,
    arguments="keep: i32[B, S]",
    result="bool[B, 1, S, S]",
)

# ---- positions


def sinusoidal(T, D):
    """The table of the paper, as "The Annotated Transformer" and PyTorch's tutorial compute it, in f64."""
    position = torch.arange(T, dtype=torch.float64)[:, None]
    term = torch.exp(torch.arange(0, D, 2, dtype=torch.float64) * (-math.log(10000.0) / D))
    table = torch.zeros(T, D, dtype=torch.float64)
    table[:, 0::2] = torch.sin(position * term)
    table[:, 1::2] = torch.cos(position * term[: D // 2])
    return table.float()


# Angles are f32: at position p they are exact to p * 2 ** -23 or so.
case("sinusoidal", "sinusoidal(20, 12)", sinusoidal(20, 12), tolerance=5e-6)
case("sinusoidal", "sinusoidal(6, 7)", sinusoidal(6, 7), tolerance=2e-6)
case(
    "sinusoidal", "x + sinusoidal(T, 4)", sinusoidal(5, 4), x=torch.zeros(5, 4), arguments="x: [T, 4]", result="[T, 4]"
)
case("sinusoidal", "sinusoidal(1000, 8)[990:1000]", sinusoidal(1000, 8)[990:], tolerance=3e-4)


def rope_config(**parameters):
    size = parameters.pop("size", 16)
    context = parameters.pop("context", 2048)
    return LlamaConfig(
        hidden_size=size,
        num_attention_heads=1,
        head_dim=size,
        max_position_embeddings=context,
        rope_parameters=parameters,
    )


def default_frequencies(config):
    return llama.LlamaRotaryEmbedding.compute_default_rope_parameters(config)[0]


for size, base in [(16, 10000.0), (128, 500000.0), (64, 1000000.0), (2, 10000.0)]:
    expected = default_frequencies(rope_config(rope_type="default", rope_theta=base, size=size))
    # Nearly to the last bit: an angle at position 100 000 differs by a hundred thousand times the difference.
    case("frequencies", f"frequencies({size}, {int(base)})", expected, tolerance=1e-7, relative=True)
case(
    "frequencies",
    "frequencies(8)",
    1.0 / (10000.0 ** (torch.arange(0, 8, 2).float() / 8)),
    tolerance=1e-7,
    relative=True,
)

for size, factor, low, high, original, base in [
    (128, 8.0, 1.0, 4.0, 8192, 500000.0),
    (64, 32.0, 1.0, 4.0, 8192, 500000.0),
    (16, 8.0, 1.0, 4.0, 512, 10000.0),
]:
    config = rope_config(
        rope_type="llama3",
        rope_theta=base,
        factor=factor,
        low_freq_factor=low,
        high_freq_factor=high,
        original_max_position_embeddings=original,
        size=size,
        context=131072,
    )
    expected, _ = ROPE_INIT_FUNCTIONS["llama3"](config, "cpu")
    case(
        "llama3",
        f"llama3(frequencies({size}, {int(base)}), {factor}, {low}, {high}, {original})",
        expected,
        imports="frequencies",
        tolerance=3e-7,
        relative=True,
    )

for size, factor, original, base, extra in [
    (64, 40.0, 4096, 10000.0, {}),
    (64, 32.0, 4096, 150000.0, {"truncate": False}),
    (128, 4.0, 32768, 1000000.0, {}),
    (64, 16.0, 2048, 10000.0, {"beta_fast": 16.0, "beta_slow": 2.0}),
    (16, 4.0, 64, 10000.0, {"truncate": False}),
    (16, 4.0, 64, 10000.0, {}),
]:
    config = rope_config(
        rope_type="yarn",
        rope_theta=base,
        factor=factor,
        original_max_position_embeddings=original,
        size=size,
        context=int(original * factor),
        **extra,
    )
    expected, scale = ROPE_INIT_FUNCTIONS["yarn"](config, "cpu")
    words = {"beta_fast": "fast", "beta_slow": "slow", "truncate": "truncate"}
    options = "".join(f", {words[k]} = {str(v).lower()}" for k, v in extra.items())
    case(
        "yarn",
        f"yarn(frequencies({size}, {int(base)}), {int(base)}, {factor}, {original}{options})",
        expected,
        imports="frequencies",
        tolerance=3e-7,
        relative=True,
    )
    case("yarn_scale", f"x * yarn_scale({factor})", torch.tensor([scale]), x=torch.ones(1))
# DeepSeek divides two of them; the values are those of its attention_factor.
for mscale, all_dim in [(1.0, 0.707), (0.707, 1.0)]:
    config = rope_config(
        rope_type="yarn",
        rope_theta=10000.0,
        factor=40.0,
        original_max_position_embeddings=4096,
        size=64,
        context=163840,
        mscale=mscale,
        mscale_all_dim=all_dim,
    )
    _, scale = ROPE_INIT_FUNCTIONS["yarn"](config, "cpu")
    case(
        "yarn_scale",
        f"x * (yarn_scale(40, {mscale}) / yarn_scale(40, mscale = {all_dim}))",
        torch.tensor([scale]),
        x=torch.ones(1),
    )
case("yarn_scale", "x * yarn_scale(0.5)", torch.ones(1), x=torch.ones(1))


def rotated(x, frequency, scale=1.0, positions=None):
    """Llama's layout: cos and sin of the angles, twice side by side."""
    positions = torch.arange(x.shape[-2]) if positions is None else positions
    angles = positions[:, None].float() * frequency[None, :]
    both = torch.cat([angles, angles], dim=-1)
    return llama.apply_rotary_pos_emb(x, x, (both.cos() * scale)[None], (both.sin() * scale)[None])[0]


def rotated_neighbours(x, frequency):
    """GPT-J's layout; its function wants the heads behind the positions."""
    angles = torch.arange(x.shape[-2]).float()[:, None] * frequency[None, :]
    y = gptj.apply_rotary_pos_emb(x.transpose(1, 2), angles.sin()[None], angles.cos()[None])
    return y.transpose(1, 2)


x = floats(1, 3, 6, 8)
frequency = default_frequencies(rope_config(rope_type="default", rope_theta=10000.0, size=8))
types = {"arguments": "x: [B, 3, T, 8]", "result": "[B, 3, T, 8]"}
case("rope", "rope(x, frequencies(8))", rotated(x, frequency), x=x, imports="frequencies")
case("rope", "rope(x, frequencies(8))", rotated(x, frequency), x=x, imports="frequencies", **types)
case("rope", "rope(x, frequencies(8), scale = 1.25)", rotated(x, frequency, 1.25), x=x, imports="frequencies", **types)
case(
    "rope",
    "rope(x, frequencies(8), interleaved = true)",
    rotated_neighbours(x, frequency),
    x=x,
    imports="frequencies",
    **types,
)
partial = default_frequencies(rope_config(rope_type="default", rope_theta=10000.0, size=4))
half = torch.cat([rotated(x[..., :4], partial), x[..., 4:]], dim=-1)
case("rope", "rope(x, frequencies(4))", half, x=x, imports="frequencies", **types)
half = torch.cat([rotated_neighbours(x[..., :4], partial), x[..., 4:]], dim=-1)
case("rope", "rope(x, frequencies(4), interleaved = true)", half, x=x, imports="frequencies", **types)
config = rope_config(
    rope_type="llama3",
    rope_theta=500000.0,
    factor=8.0,
    low_freq_factor=1.0,
    high_freq_factor=4.0,
    original_max_position_embeddings=64,
    size=8,
    context=512,
)
frequency, _ = ROPE_INIT_FUNCTIONS["llama3"](config, "cpu")
case(
    "rope",
    "rope(x, llama3(frequencies(8, 500000), 8, 1, 4, 64))",
    rotated(x, frequency),
    x=x,
    imports="frequencies llama3",
    **types,
)
config = rope_config(
    rope_type="yarn", rope_theta=10000.0, factor=4.0, original_max_position_embeddings=64, size=8, context=256
)
frequency, scale = ROPE_INIT_FUNCTIONS["yarn"](config, "cpu")
case(
    "rope",
    "rope(x, yarn(frequencies(8), 10000, 4, 64), yarn_scale(4))",
    rotated(x, frequency, scale),
    x=x,
    imports="frequencies yarn yarn_scale",
    **types,
)
# Far positions: angles in f32, as published models compute them.
far = torch.arange(1, 9).float().expand(1, 1, 30000, 8) / 8
frequency = default_frequencies(rope_config(rope_type="default", rope_theta=10000.0, size=8))
case(
    "rope",
    "rope([b: 1, h: 1, t: 30000, k: 8] => (k + 1) / 8, frequencies(8))[:, :, 29990:30000]",
    rotated(far, frequency)[:, :, -10:],
    imports="frequencies",
)

for heads in range(1, 21):
    S = 3
    key_only = build_alibi_tensor(torch.ones(1, S, dtype=torch.int64), heads, torch.float32).view(heads, 1, S)
    # BLOOM leaves out the query's position, which softmax takes away again; the bias itself is slope * (s - t).
    slope = key_only[:, 0, 1]
    distance = torch.arange(S)[None, :] - torch.arange(S)[:, None]
    case("alibi", f"alibi({heads}, {S})", slope[:, None, None] * distance)
distance = torch.arange(5)[None, :] - torch.arange(2)[:, None] - 3
case(
    "alibi",
    "alibi(4, T, S)",
    torch.tensor([0.25, 0.0625, 0.015625, 0.00390625])[:, None, None] * distance,
    x=floats(2, 5),
    arguments="x: [T, S]",
    result="[4, T, S]",
)

distances = torch.cat([torch.arange(-70, 71), torch.arange(-140, 141, 7), torch.tensor([-100000, -1000, 1000, 100000])])
n = len(distances)
for buckets, far_, both in [(32, 128, True), (32, 128, False), (8, 20, True), (8, 20, False), (64, 400, True)]:
    expected = T5Attention._relative_position_bucket(distances, both, buckets, far_)
    case(
        "relative_bucket",
        f"[i: {n}] => relative_bucket(d[i], {buckets}, {far_}, {str(both).lower()})",
        expected.int(),
        d=distances.int(),
    )
expected = T5Attention._relative_position_bucket(torch.arange(6)[None, :] - torch.arange(6)[:, None], True, 8, 20)
case(
    "relative_bucket",
    "[t: T, s: T] => relative_bucket(s - t, 8, 20, true)",
    expected.int(),
    x=floats(6),
    arguments="x: [T]",
    result="i32[T, T]",
)

# ---- attention

q, k, v = floats(2, 3, 4, 4), floats(2, 3, 5, 4), floats(2, 3, 5, 3)
types = {"arguments": "q: [B, 3, T, 4], k: [B, 3, S, 4], v: [B, 3, S, 3]", "result": "[B, 3, T, 3]"}
attend = F.scaled_dot_product_attention
case("attention", "attention(q, k, v)", attend(q, k, v), q=q, k=k, v=v)
case("attention", "attention(q, k, v)", attend(q, k, v), q=q, k=k, v=v, **types)
case("attention", "attention(q, k, v, scale = 0.3)", attend(q, k, v, scale=0.3), q=q, k=k, v=v, **types)
case(
    "attention",
    "attention(q, k, v, causal_mask(4, 5))",
    attend(q, k, v, attn_mask=torch.ones(4, 5).tril(1).bool()),
    q=q,
    k=k,
    v=v,
    imports="causal_mask",
)
case(
    "attention",
    "attention(q, k, v, causal_mask(T, S))",
    attend(q, k, v, attn_mask=torch.ones(4, 5).tril(1).bool()),
    q=q,
    k=k,
    v=v,
    imports="causal_mask",
    **types,
)
case(
    "attention",
    "attention(q, q, q, causal_mask(T))",
    attend(q, q, q, is_causal=True),
    q=q,
    imports="causal_mask",
    arguments="q: [B, 3, T, 4]",
    result="[B, 3, T, 4]",
)
allowed = booleans(2, 1, 4, 5)
allowed[..., 0] = True
case("attention", "attention(q, k, v, m)", attend(q, k, v, attn_mask=allowed), q=q, k=k, v=v, m=allowed)
keep = torch.tensor([[1, 1, 1, 0, 0], [1, 0, 1, 1, 1]], dtype=torch.int32)
case(
    "attention",
    "attention(q, k, v, padding_mask(keep, T))",
    attend(q, k, v, attn_mask=keep.bool()[:, None, None, :].expand(2, 1, 4, 5)),
    q=q,
    k=k,
    v=v,
    keep=keep,
    imports="padding_mask",
    arguments=types["arguments"] + ", keep: i32[B, S]",
    result=types["result"],
)
bias = floats(3, 4, 5)
case("attention", "attention(q, k, v, bias = b)", attend(q, k, v, attn_mask=bias), q=q, k=k, v=v, b=bias)
both = bias.masked_fill(~allowed, float("-inf"))
case(
    "attention",
    "attention(q, k, v, m, b, 0.5)",
    attend(q, k, v, attn_mask=both, scale=0.5),
    q=q,
    k=k,
    v=v,
    m=allowed,
    b=bias,
)
# A query that may look at nothing gets zeros, as from PyTorch.
nothing = allowed.clone()
nothing[0, 0, 1] = False
case("attention", "attention(q, k, v, m)", attend(q, k, v, attn_mask=nothing), q=q, k=k, v=v, m=nothing)
case("attention", "attention(q, k, v, false)", torch.zeros(2, 3, 4, 3), q=q, k=k, v=v)
shared = floats(5, 4)
case(
    "attention",
    "attention(q, k, k)",
    attend(q, shared, shared),
    q=q,
    k=shared,
    arguments="q: [B, H, T, 4], k: [S, 4]",
    result="[B, H, T, 4]",
)
case(
    "attention",
    "attention(q, k, v, bias = alibi(3, 4, 5), mask = causal_mask(4, 5))",
    attend(
        q,
        k,
        v,
        attn_mask=(
            torch.tensor([0.0625, 0.00390625, 0.25])[:, None, None]
            * (torch.arange(5)[None, :] - torch.arange(4)[:, None] - 1)
        ).masked_fill(~torch.ones(4, 5).tril(1).bool(), float("-inf")),
    ),
    q=q,
    k=k,
    v=v,
    imports="alibi causal_mask",
)


def with_sink(q, k, v, sink, allowed, scale):
    """gpt-oss: one more score in every row, whose probability is dropped."""
    scores = (q @ k.transpose(-1, -2) * scale).masked_fill(~allowed, float("-inf"))
    combined = torch.cat([scores, sink.expand(*scores.shape[:-1], 1)], dim=-1)
    return F.softmax(combined, dim=-1)[..., :-1] @ v


sink = floats(3, 1, 1)
everything = torch.ones(4, 5, dtype=torch.bool)
case(
    "sink_attention",
    "sink_attention(q, k, v, sink)",
    with_sink(q, k, v, sink, everything, 4**-0.5),
    q=q,
    k=k,
    v=v,
    sink=sink,
)
case(
    "sink_attention",
    "sink_attention(q, k, v, sink, m, scale = 0.5)",
    with_sink(q, k, v, sink, nothing, 0.5),
    q=q,
    k=k,
    v=v,
    sink=sink,
    m=nothing,
)
case(
    "sink_attention",
    "sink_attention(q, k, v, sink, causal_mask(T, S))",
    with_sink(q, k, v, sink, torch.ones(4, 5).tril(1).bool(), 4**-0.5),
    q=q,
    k=k,
    v=v,
    sink=sink,
    imports="causal_mask",
    arguments=types["arguments"] + ", sink: [3, 1, 1]",
    result=types["result"],
)

x = floats(2, 5, 4)
expanded = keep.unsqueeze(-1).float()  # sentence-transformers' mean pooling
pooled = (x * expanded).sum(1) / expanded.sum(1).clamp(min=1e-9)
case("mean_pool", "mean_pool(x, keep)", pooled, x=x, keep=keep)
case(
    "mean_pool",
    "mean_pool(x, keep)",
    pooled,
    x=x,
    keep=keep,
    arguments="x: [B, T, 4], keep: i32[B, T]",
    result="[B, 4]",
)
nobody = torch.zeros(2, 5, dtype=torch.int32)
case("mean_pool", "mean_pool(x, keep)", torch.zeros(2, 4), x=x, keep=nobody)

# ---- experts

index = integers(2, 3, high=5)
case(
    "one_hot",
    "one_hot(i, 5)",
    F.one_hot(index.long(), 5).bool(),
    i=index,
    arguments="i: i32[B, T]",
    result="bool[B, T, 5]",
)
outside = torch.tensor([-1, 0, 4, 5], dtype=torch.int32)
case("one_hot", "one_hot(i, 5)", outside[:, None] == torch.arange(5), i=outside)

config = DeepseekV3Config(
    hidden_size=6,
    n_routed_experts=12,
    num_local_experts=12,
    num_experts_per_tok=4,
    n_group=4,
    topk_group=2,
    routed_scaling_factor=1.0,
    norm_topk_prob=False,
)
router = randomised(DeepseekV3TopkRouter(config))
hidden = floats(7, 6)
logits, chosen_weight, chosen = router(hidden)
# The order among the chosen is free in transformers; the library gives them by falling score.
order = chosen_weight.argsort(dim=-1, descending=True)
chosen = chosen.gather(1, order)
case(
    "grouped_topk",
    "grouped_topk(s, 4, 4, 2)",
    chosen.int(),
    s=logits.sigmoid(),
    arguments="s: [N, 12]",
    result="i32[N, 4]",
)
case("grouped_topk", "grouped_topk(s, 3, 1, 1)", logits.sigmoid().topk(3).indices.int(), s=logits.sigmoid())

config = MixtralConfig(
    hidden_size=6, intermediate_size=5, num_local_experts=4, num_experts_per_tok=2, hidden_act="silu"
)
experts = randomised(MixtralExperts(config))
hidden = floats(7, 6)
score = F.softmax(floats(7, 4), dim=-1)
weight, chosen = score.topk(2)
expected = experts(hidden, chosen, weight)
gate, up = experts.gate_up_proj.chunk(2, dim=1)
given = {
    "x": hidden,
    "chosen": chosen.int(),
    "weight": weight.float(),
    "gate": gate,
    "up": up,
    "down": experts.down_proj,
}
case("gated_experts", "gated_experts(x, chosen, weight, gate, up, down)", expected, **given)
case(
    "gated_experts",
    "gated_experts(x, chosen, weight, gate, up, down)",
    expected,
    **given,
    arguments="x: [N, 6], chosen: i32[N, 2], weight: [N, 2], gate: [4, 5, 6], up: [4, 5, 6], down: [4, 6, 5]",
    result="[N, 6]",
)
experts.act_fn = ACT2FN["gelu"]
case(
    "gated_experts",
    "gated_experts(x, chosen, weight, gate, up, down, act = gelu)",
    experts(hidden, chosen, weight),
    imports="gelu",
    **given,
)

text = ",\n".join(json.dumps(each, separators=(",", ":")) for each in cases)
OUTPUT.write_text('{"cases":[\n' + text + "\n]}\n")
print(f"{len(cases)} cases, {OUTPUT.stat().st_size / 1024:.0f} KiB")
