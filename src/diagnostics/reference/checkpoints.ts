/** The reference of the family E07 checkpoints and inputs. */
import { entries } from "./entry.js";

export const checkpoints = entries({
  E0701: {
    title: "a checkpoint is missing",
    text: "`--checkpoint` names a folder that holds `config.json` and `model.safetensors`, as published models do, or a .safetensors file beside its `config.json`, or a .gguf file.",
    wrong: "trafo verify gpt2.trafo --checkpoint nowhere",
    right: "trafo verify gpt2.trafo --checkpoint examples/gpt2/checkpoint",
  },
  E0702: {
    title: "a checkpoint folder holds no weights, or several",
    text: "Weights are read from `model.safetensors`, from the shards that `model.safetensors.index.json` lists, or from the only .safetensors file of the folder, else the only .gguf file. Where a folder holds several others, name the file. Pickled weights (.bin, .pt) are not read: they can run code.",
  },
  E0703: {
    title: "a checkpoint has no config.json",
    text: 'The program takes sizes from the configuration (`from "n_head"`), and some of them, such as the number of heads, show in no weight. Without the configuration they would silently be the defaults. Give it with `--config FILE`.',
  },
  E0722: {
    title: "a configuration with no key that the model reads",
    text: 'The model takes static arguments from the configuration (`from "n_head"`), and the configuration that was given has none of the keys. It is likely that of another model, or a part of one; every argument has its default.',
    wrong: '{ "hidden_size": 768, "num_attention_heads": 12 }',
    right: '{ "n_embd": 768, "n_head": 12 }',
  },
  E0704: {
    title: "a JSON file is malformed",
    text: "The text is not JSON, or is not of the form that its place needs: a configuration is an object.",
    wrong: '{ "n_layer": 12, }',
    right: '{ "n_layer": 12 }',
  },
  E0705: {
    title: "a file of weights is malformed",
    text: "The file is shorter than its header says, or the header is not that of a safetensors file, or of a GGUF file. A download that broke off is the usual cause; a file of a few hundred bytes is often a pointer of Git LFS.",
  },
  E0706: {
    title: "a checkpoint lacks a tensor that a param reads",
    text: 'The path of a param is made of the names of its layers and its own; `as "…"` replaces a part. None of the alternatives is in the checkpoint. The nearest names that it has are listed.',
    wrong: "param weight: [out, D]   # the checkpoint calls it kernel",
    right: 'param weight: [out, D] as "kernel"',
  },
  E0707: {
    title: "a tensor of a checkpoint has another shape than its param",
    text: "Both shapes are shown, and where the sizes of the declared one come from. Usual causes: the configuration belongs to another model, or the weight is stored transposed.",
    wrong: "param weight: [out, D]   # stored [D, out], as GPT-2 does",
    right: "param weight: [D, out]",
  },
  E0708: {
    title: "a tensor's element type cannot be converted",
    text: "F16, BF16, F32 and F64 convert to a float param, integers and booleans to i32 and bool. Of a GGUF file also Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q4_K, Q5_K and Q6_K convert to floats. Other quantised and packed types (I8 weights with scales, F8, GPTQ, AWQ) do not convert.",
  },
  E0709: {
    title: "a checkpoint's index names what is not there",
    text: "`model.safetensors.index.json` says which file holds which tensor. A file that it names is missing, or the file lacks the tensor. A GGUF model in several files is named by the first of them, and the others lie beside it.",
  },
  E0710: {
    title: "an input is missing or unknown",
    text: "Every input of an entry that has no default must be given, by `--input`, by a tensor of that name in `--inputs`, or by an entry that ran before and returns it. A given input must be one that some entry takes.",
  },
  E0711: {
    title: "an input has another shape than the entry takes",
    text: "An input has as many axes as its type says; a dimension that has a name has one size in the whole call; a declared bound is kept; and so is what an entry asserts, such as that 4 divides a length.",
    wrong: "trafo run gpt2.trafo --random-weights --input 'input_ids=[1,2,3]'",
    right: "trafo run gpt2.trafo --random-weights --input 'input_ids=[[1,2,3]]'",
  },
  E0712: {
    title: "an input has values that the entry cannot take",
    text: "An i32 input takes whole numbers, a bool input booleans or 0 and 1, and an input that is used as an index stays within what it indexes: a token id is less than the size of the vocabulary.",
  },
  E0713: {
    title: "a file of expected values holds no case that can be compared",
    text: "`verify` reads tensors named `case<i>.in.<name>` and `case<i>.out.<name>`. The inputs must be those of an entry, the outputs those that an entry returns, or `greedy`.",
  },
  E0714: {
    title: "an output departs from its expected values",
    text: "An element passes if it differs by no more than the tolerance times its magnitude plus the tolerance times the scale of the whole output (1, or its largest magnitude if that is less). NaN never passes; integers must be equal. The first operator that departs from the interpreter in f64 is named; where none does, the program, the weights or the expected values differ. Of weights in few bits (`--weights`) it is the root mean square of the errors over that of the output that counts: from f32 what rounding may do; from what f32 computes of the very numbers that they are rounded to, 1e-4, or 32 units where a target rounds the rows that they are multiplied with to so many.",
  },
  E0715: {
    title: "an output has another shape than expected",
    text: "The entry returns a tensor of another shape than the file of expected values holds under its name.",
  },
  E0716: {
    title: "tensors of a checkpoint that no param reads",
    text: "Nothing in the program reads these tensors. That is right for buffers (`attn.bias` of GPT-2, `inv_freq`) and for heads that the program leaves out; otherwise a layer or a param is missing, and the result will not be the model's.",
  },
  E0723: {
    title: "a checkpoint has no tokenizer",
    text: "Text becomes tokens by the model's own tokenizer: `tokenizer.json` in the folder of the checkpoint, or what a GGUF file holds. Name another with `--tokenizer`. Models that were published with `vocab.txt`, `tokenizer.model` or `vocab.json` and `merges.txt` alone get a `tokenizer.json` from transformers: `AutoTokenizer.from_pretrained(DIR).save_pretrained(DIR)`. Tokens can also be given as numbers.",
    wrong: 'trafo generate gpt2.trafo --checkpoint weights-only --prompt "Once upon"',
    right: "trafo generate gpt2.trafo --checkpoint weights-only --prompt-ids 7454,2402",
  },
  E0724: {
    title: "a tokenizer cannot be used",
    text: "The file is malformed, or the tokenizer has a part that Trafo does not follow. BPE, byte-level or of SentencePiece, WordPiece and Unigram are read from tokenizer.json; from GGUF the kinds gpt2, llama, t5 and bert.",
  },
  E0725: {
    title: "a chat template is missing or fails",
    text: "`--chat` writes the prompt as the model was taught to read messages, by the template that it is published with: `chat_template.jinja`, `chat_template` in `tokenizer_config.json`, or `tokenizer.chat_template` of a GGUF file. Base models have none: they go on from a text, so leave `--chat` out. A template may refuse messages, such as one of the system.",
    wrong: 'trafo generate gpt2.trafo --checkpoint models/gpt2 --chat --prompt "Hello"',
    right: 'trafo generate gpt2.trafo --checkpoint models/gpt2 --prompt "Hello"',
  },
  E0726: {
    title: "a program cannot take a text",
    text: "A text is given to the entry that takes tokens, i32[B, T] without a default; where an entry before the decoder takes tokens too, to that one. Texts of different lengths are padded, which needs an input for the mask, such as `attention_mask: i32[B, T] = 1`.",
    wrong: "entry encode(input_ids: i32[B, T]) -> (y: [B, T, width]) { … }   # two texts of 3 and 5 tokens",
    right: "entry encode(input_ids: i32[B, T], attention_mask: i32[B, T] = 1) -> (y: [B, T, width]) { … }",
  },
  E0727: {
    title: "a text is longer than the entry takes",
    text: "An entry that takes `i32[B, T <= context]` reads no more than `context` tokens. Of a longer text the end is left out, of a pair that of the longer text first; the tokens that the tokenizer puts around texts stay.",
  },
  E0720: {
    title: "two params that read one tensor with different shapes",
    text: "Params of one path are one tensor, so they declare one shape and element type.",
  },
  E0721: {
    title: "a stacked param whose path names one tensor only",
    text: '`param w: [e: experts, …] as "experts.{e}.weight"` stacks one tensor per index: the path holds the index in braces.',
  },
});
