"""Writes ../fixtures/torch/from-pytorch.json: what the PyTorch side of dsl/reference/from-pytorch.md computes.

A developer runs it after changing the page's examples; the tests read only its output.

    pip install torch==2.13.0 transformers==5.23.0
    python3 test/numerics/make_from_pytorch_values.py

Each case is {heading, example, model, settings, inputs, weights, expected}: the page's example with that number under that
heading, followed by `model` unless it has one of its own, whose static arguments are `settings`.
"""

import json
import pathlib

import torch
import torch.nn.functional as F
from torch_tensors import floats, integers, randomised, tensor_json
from transformers import LlamaConfig
from transformers.models.llama import modeling_llama as llama
from transformers.models.mixtral.modeling_mixtral import MixtralConfig, MixtralSparseMoeBlock

OUTPUT = pathlib.Path(__file__).parent.parent / "fixtures" / "torch" / "from-pytorch.json"
cases = []


def case(heading, expected, model="", example=1, settings=None, weights=None, **inputs):
    cases.append(
        {
            "heading": heading,
            "example": example,
            "model": model,
            "settings": settings or {},
            "inputs": {key: tensor_json(value) for key, value in inputs.items()},
            "weights": {key: tensor_json(value) for key, value in (weights or {}).items()},
            "expected": tensor_json(expected),
        }
    )


def named(module, prefix):
    """The tensors of a module under the name of a layer."""
    return {f"{prefix}.{key}": value for key, value in module.state_dict().items()}


def calls(block):
    """A model with one layer and one input of three axes."""
    return f"model Pair() {{\n  layer f = {block}\n  entry run(x: [B, T, 8]) -> (y: [B, T, 8]) {{ f(x) }}\n}}\n"


def functional(name):
    return f"model Pair() {{\n  entry run(q: [B, H, T, 8]) -> (y: [B, H, T, 8]) {{ {name}(q) }}\n}}\n".replace("H", "3")


x = floats(2, 5, 8)

up, down = randomised(torch.nn.Linear(8, 32)), randomised(torch.nn.Linear(32, 8, bias=False))
case("nn.Linear", down(F.gelu(up(x))), calls("Widen()"), weights={**named(up, "f.up"), **named(down, "f.down")}, x=x)

wte, wpe = randomised(torch.nn.Embedding(11, 8)), randomised(torch.nn.Embedding(6, 8))
ids = integers(2, 5, high=11)
hidden = wte(ids) + wpe(torch.arange(5))
settings = {"vocab": 11, "context": 6, "width": 8}
case(
    "nn.Embedding",
    hidden @ wte.weight.T,
    settings=settings,
    weights={**named(wte, "wte"), **named(wpe, "wpe")},
    ids=ids,
)

norm = randomised(torch.nn.LayerNorm(8, eps=1e-6))
case("nn.LayerNorm", norm(x), calls("Normed()"), weights=named(norm, "f.norm"), x=x)
case("nn.LayerNorm", norm(x), calls("MyNorm(eps = 1e-6)"), example=2, weights=named(norm, "f"), x=x)
norm = randomised(torch.nn.RMSNorm(8, eps=1e-6))
case("RMSNorm", norm(x), calls("RootMeanSquare()"), weights=named(norm, "f"), x=x)

config = LlamaConfig(
    hidden_size=8,
    num_attention_heads=4,
    num_key_value_heads=2,
    intermediate_size=12,
    rope_parameters={"rope_type": "default", "rope_theta": 10000.0},
)
config._attn_implementation = "sdpa"
mlp = randomised(llama.LlamaMLP(config))
case("An MLP", mlp(x), calls("MLP(12)"), weights=named(mlp, "f"), x=x)

attention = randomised(torch.nn.MultiheadAttention(8, 2, batch_first=True))
memory = floats(2, 4, 8)
keep = torch.tensor([[1, 1, 1, 0], [1, 0, 1, 1]], dtype=torch.int32)
expected, _ = attention(x, memory, memory, key_padding_mask=keep == 0)
model = """model Pair() {
  layer f = MultiHeadAttention(2)
  entry run(x: [B, T, 8], memory: [B, S, 8], keep: i32[B, S] = 1) -> (y: [B, T, 8]) { f(x, memory, keep) }
}
"""
heading = "MultiheadAttention and scaled_dot_product_attention"
case(heading, expected, model, weights=named(attention, "f"), x=x, memory=memory, keep=keep)
expected, _ = attention(x, memory, memory)
case(heading, expected, model, weights=named(attention, "f"), x=x, memory=memory)

q = floats(2, 3, 5, 8)
single = LlamaConfig(hidden_size=8, num_attention_heads=1, rope_parameters=config.rope_parameters)
cos, sin = llama.LlamaRotaryEmbedding(single)(q, torch.arange(5)[None])
turned, _ = llama.apply_rotary_pos_emb(q, q, cos, sin)
case("Rotary embedding", turned, functional("turn"), q=q)
case("Rotary embedding", turned, functional("turn"), example=2, q=q)

keep = torch.tensor([[1, 1, 1, 1, 1], [1, 1, 1, 1, 0]], dtype=torch.int32)
layer = torch.nn.TransformerEncoderLayer(8, 2, 32, activation="relu", batch_first=True, dropout=0.0)
encoder = randomised(torch.nn.TransformerEncoder(layer, num_layers=2, enable_nested_tensor=False))
expected = encoder(x, src_key_padding_mask=keep == 0)
settings = {"width": 8, "layers": 2, "heads": 2}
case("nn.TransformerEncoderLayer", expected, settings=settings, weights=encoder.state_dict(), x=x, keep=keep)

rotary = llama.LlamaRotaryEmbedding(config)
grouped = randomised(llama.LlamaAttention(config, 0))
expected, _ = grouped(x, rotary(x, torch.arange(5)[None]), None)
case("Grouped-query attention with a causal mask", expected, settings={"width": 8}, weights=named(grouped, "attn"), x=x)

config = MixtralConfig(
    hidden_size=8, intermediate_size=5, num_local_experts=4, num_experts_per_tok=2, hidden_act="silu"
)
mixture = randomised(MixtralSparseMoeBlock(config))
gate, up = mixture.experts.gate_up_proj.chunk(2, dim=1)
weights = {"f.gate.weight": mixture.gate.weight}
for e in range(4):
    weights[f"f.experts.{e}.w1.weight"] = gate[e]
    weights[f"f.experts.{e}.w3.weight"] = up[e]
    weights[f"f.experts.{e}.w2.weight"] = mixture.experts.down_proj[e]
case("A mixture of experts", mixture(x), calls("MoE(experts = 4, k = 2, hidden = 5)"), weights=weights, x=x)

text = ",\n".join(json.dumps(each, separators=(",", ":")) for each in cases)
OUTPUT.write_text('{"cases":[\n' + text + "\n]}\n")
print(f"{len(cases)} cases, {OUTPUT.stat().st_size / 1024:.0f} KiB")
