"""What PyTorch makes of the published models that `npm run test:models` runs, from the same files.

    node examples/fetch-model.mjs all-MiniLM-L6-v2 SmolLM2-135M-Instruct
    python3 test/models/make_references.py

smollm2.json: greedy decoding by transformers in f32, of the weights that the package gguf takes out of their blocks of 4 bits;
`margin` is the least lead of a chosen token over the next best. The tokens of the prompts are those of the library `tokenizers`,
with the vocabulary and merges of the file and the parts that SmolLM2 is published with. minilm.safetensors: vectors of the texts in
minilm.json. Made with transformers 5.23, PyTorch 2.13, gguf 0.19 and tokenizers 0.23.
"""

import json
from pathlib import Path

import torch
import transformers as hf
from gguf import GGUFReader
from safetensors.torch import save_file
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

HERE = Path(__file__).parent
MODELS = HERE.parents[1] / ".cache" / "models"
hf.utils.logging.set_verbosity_error()
torch.set_num_threads(2)

SYSTEM = "You are a helpful AI assistant named SmolLM, trained by Hugging Face"
CHATS = [
    ["What is the capital of France?", None, 24],
    ["Write two sentences about the sea.", None, 64],
    ["Name three colours.", "You answer in one short line.", 32],
]
PROMPTS = [["Once upon a time, in 1987, there was a", 48], ["The capital of France is", 4]]


def tokenizer_of(path):
    fields = GGUFReader(path).fields
    read = lambda key: fields[f"tokenizer.ggml.{key}"].contents()
    tokens, types = read("tokens"), read("token_type")
    merges = [tuple(merge.split(" ")) for merge in read("merges")]
    tokenizer = Tokenizer(models.BPE({token: at for at, token in enumerate(tokens)}, merges))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(t, normalized=False) for t, kind in zip(tokens, types) if kind == 3])
    template = fields["tokenizer.chat_template"].contents()
    return tokenizer, template


def rendered(template, content, system):
    import jinja2

    environment = jinja2.Environment(trim_blocks=True, lstrip_blocks=True)
    messages = ([{"role": "system", "content": system}] if system else []) + [{"role": "user", "content": content}]
    return environment.from_string(template).render(messages=messages, add_generation_prompt=True)


@torch.no_grad()
def greedy(model, prompt, count, end):
    tokens, margin, past = [], float("inf"), None
    ids = torch.tensor([prompt])
    for _ in range(count):
        result = model(ids, past_key_values=past, use_cache=True)
        past = result.past_key_values
        best = result.logits[0, -1].topk(2)
        margin = min(margin, (best.values[0] - best.values[1]).item())
        token = best.indices[0].item()
        if token == end:
            return tokens, True, margin
        tokens.append(token)
        ids = torch.tensor([[token]])
    return tokens, False, margin


def smollm2():
    folder = MODELS / "SmolLM2-135M-Instruct"
    path = next(folder.glob("*.gguf"))
    tokenizer, template = tokenizer_of(path)
    model = hf.AutoModelForCausalLM.from_pretrained(folder, gguf_file=path.name, dtype=torch.float32).eval()
    cases = []
    for content, system, count in CHATS:
        text = rendered(template, content, system)
        cases.append({"chat": content, "system": system, "written": text, "count": count})
    cases += [{"prompt": text, "written": text, "count": count} for text, count in PROMPTS]
    for case in cases:
        case["promptTokens"] = tokenizer.encode(case["written"]).ids
        tokens, ended, margin = greedy(model, case["promptTokens"], case["count"], 2)
        case |= {"tokens": tokens, "ended": ended, "margin": round(margin, 4), "text": tokenizer.decode(tokens)}
        case.pop("written")
        print(repr(case["text"]), "margin", case["margin"])
    (HERE / "smollm2.json").write_text(json.dumps(cases, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


TEXTS = [
    "Hello",
    "A man is eating food.",
    "A man is eating a piece of bread.",
    "The girl is carrying a baby, and it is raining; naïve café 123 — 你好 😀!",
    "Trafo compiles Transformer architectures. " * 16,
    "to be, or not to be: that is the question; " * 34,
]


@torch.no_grad()
def minilm():
    folder = MODELS / "all-MiniLM-L6-v2"
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    model = hf.BertModel.from_pretrained(folder).eval()
    rows, lengths = [], []
    for text in TEXTS:
        ids = torch.tensor([tokenizer.encode(text).ids])
        lengths.append(ids.shape[1])
        mean = model(ids).last_hidden_state.mean(1)
        rows.append(torch.nn.functional.normalize(mean)[0])
    print("tokens", lengths)
    save_file({"embedding": torch.stack(rows)}, HERE / "minilm.safetensors")
    record = {"texts": TEXTS, "lengths": lengths}
    (HERE / "minilm.json").write_text(json.dumps(record, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


minilm()
smollm2()
