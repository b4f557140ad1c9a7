/** The reference of the family E02 names. */
import { entries } from "./entry.js";

export const names = entries({
  E0201: {
    title: "an unknown name",
    text: "The name is neither declared in this scope or one around it, nor imported, nor built in. A size in a signature is known only where it stands alone in the type of a tensor argument, or is an argument itself.",
    wrong: "fn twice(x: [B, T]) -> [B, T] = x * factr",
    right: "fn twice(x: [B, T], factor: float) -> [B, T] = x * factor",
  },
  E0202: {
    title: "a name declared twice",
    text: "A layer, param, argument or declaration has its name alone in its scope. A `let` may replace a `let`, in the same braces.",
    wrong: "layer up = Linear(4 * D)\nlayer up = Linear(D)",
    right: "layer up = Linear(4 * D)\nlayer down = Linear(D)",
  },
  E0203: {
    title: "a value that is not used",
    text: "Only the last expression of a body gives its value; another one would be computed for nothing. Nothing in the language has effects.",
    wrong: "norm(x)\nx + mlp(x)",
    right: "x = norm(x)\nx + mlp(x)",
  },
  E0204: {
    title: "a layer or param that is never used",
    text: "Its weights would be asked of the checkpoint and never read. Remove it, or use it; a layer that is declared twice under two names is a common cause.",
  },
  E0205: {
    title: "a name that exists outside these braces",
    text: "`let` inside the braces of a `for` or a comprehension would make a second thing of the name, which is gone after the braces. To give the outer one a new value, leave `let` out.",
    wrong: "for block in h { let x = block(x) }",
    right: "for block in h { x = block(x) }",
  },
  E0206: {
    title: "a name that cannot be given a new value",
    text: "`name = …` gives a new value to a name that `let` or an argument introduced in this scope, also from inside a `for`. Layers, params and sizes keep theirs, and a comprehension cannot change what is outside of it.",
    wrong: "y = norm(x)",
    right: "let y = norm(x)",
  },
  E0207: {
    title: "a declaration that uses itself",
    text: "Functions and blocks are put in place where they are used, so none may reach itself. Repetition is written with `for`, over a count or an array of layers.",
  },
  E0208: {
    title: "an import of what does not exist",
    text: '`import std: name` takes from the standard library, `import "./file.trafo": name` from a file beside this one.',
  },
  E0209: {
    title: "files that import each other",
    text: "Imports form a tree. Move what two files need of each other into a third.",
  },
  E0210: {
    title: "an import of a name that the module does not declare",
    text: "A module offers the functions and blocks that it declares itself; what it imports is not passed on, and a model cannot be imported.",
  },
  E0212: {
    title: "a body without a value",
    text: "The last statement of a body is an expression, or an `if` whose branches both end with one: that is the value of the body.",
    wrong: "fn twice(x: [B]) -> [B] { x = 2 * x }",
    right: "fn twice(x: [B]) -> [B] { 2 * x }",
  },
  E0213: {
    title: "a layer or param of the model, used in a function or block",
    text: "Weights are visible in the entries and in their own block. A function or block sees the model's static arguments; a tensor it is passed.",
  },
  E0214: {
    title: "a name that is never used",
    text: "A local name, an argument or an import is introduced and not used. A name that begins with `_` is meant to be unused.",
  },
  E0215: {
    title: "a size that is nearly another, and used nowhere else",
    text: "A bare name in a tensor's type binds the size that it meets. Bound and never compared, it checks nothing. That is right where an axis is summed over; where the name is nearly that of another size, it is likely a misspelling. A name that begins with `_` is meant to stand alone.",
    wrong: "fn add(a: [B, width], b: [B, widht]) -> [B, width] = a + b",
    right: "fn add(a: [B, width], b: [B, width]) -> [B, width] = a + b",
  },
  E0216: {
    title: "a file with two models, or a model without an entry",
    text: "A file holds at most one model, and a model says with `entry` what goes in and what comes out.",
  },
  E0217: {
    title: "an argument in the wrong parentheses",
    text: "A block has two lists of arguments: static ones, known when compiling, and tensors. An entry takes tensors only; `f32[]` is one number.",
    wrong: "block Scale(x: [B, T], factor: float)() -> [B, T] { x * factor }",
    right: "block Scale(factor: float)(x: [B, T]) -> [B, T] { x * factor }",
  },
  E0218: {
    title: "a name without a value here",
    text: "The name is introduced in a branch of an `if` that was not taken. Introduce it before the `if`, or in both branches.",
  },
  E0219: {
    title: "an unknown size after incremental",
    text: "`incremental T` names the size along which an entry decodes: one of the entry's own run-time sizes.",
  },
  E0220: {
    title: "a function of the file in a size of a signature",
    text: "The sizes in the types of a signature are made of numbers, sizes, arguments and built-in functions. A static argument may have a default that calls a function of the file.",
    wrong: "fn half(n: int) -> int = n // 2\nfn first(x: [B, D]) -> [B, half(D)] = x[:, 0:half(D)]",
    right: "fn half(n: int) -> int = n // 2\nfn first(x: [B, D], n: int = half(D)) -> [B, n] = x[:, 0:n]",
  },
});
