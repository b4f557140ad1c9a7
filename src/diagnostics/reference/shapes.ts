/** The reference of the family E03 shapes and element types. */
import { entries } from "./entry.js";

export const shapes = entries({
  E0301: {
    title: "a wrong number of axes",
    text: "The argument is declared with a number of axes that the given tensor does not have. `...` at the start of a type stands for any number of leading axes.",
    wrong: "fn norm(x: [T, D]) -> [T, D] = x / max(abs(x))\nfn batched(x: [B, T, D]) -> [B, T, D] = norm(x)",
    right: "fn norm(x: [..., D]) -> [..., D] = x / max(abs(x))\nfn batched(x: [B, T, D]) -> [B, T, D] = norm(x)",
  },
  E0302: {
    title: "two sizes that differ",
    text: "Every dimension of an argument is compared with its declaration. A bare name is bound by the first tensor that has it, from left to right; wherever else it stands the size must be the same. Named dimensions do not broadcast: 1 is not T.",
  },
  E0303: {
    title: "a result of another type than declared",
    text: "The value of the body is compared with the type after `->`: the element type, the number of axes and each size.",
  },
  E0304: {
    title: "a product whose inner sizes differ",
    text: "`a @ b` sums over the last axis of a and the axis before the last of b, which must be equal. `.T` exchanges the last two axes.",
    wrong: "param w: [4 * D, D]\nx @ w",
    right: "param w: [4 * D, D]\nx @ w.T",
  },
  E0305: {
    title: "shapes that do not broadcast",
    text: 'Operators work element by element. Shapes are aligned from the right, and where they differ one of the sizes must be the constant 1. `rearrange(x, "b -> b 1")` adds such an axis.',
  },
  E0306: {
    title: "element types that do not mix",
    text: "Nothing is converted silently between tensors: `f32(x)`, `i32(x)`, `f16(x)` convert. A static number takes the type of the tensor that it meets; a fraction does not fit i32. Inside a comprehension an i32 element becomes f32 where it meets f32.",
  },
  E0307: {
    title: "a value of the wrong kind",
    text: "A tensor stands where a static value is needed, or the reverse; or an operator meets what it has no meaning for: arithmetic on booleans, a string, a layer that is not called.",
  },
  E0308: {
    title: "an argument of another element type",
    text: "The declaration says the element type: f32 unless another is written. Indices are i32, masks are bool.",
  },
  E0309: {
    title: "a condition of the wrong stage",
    text: "`if` chooses what gets built, so its condition is known when compiling (or an element of a comprehension). `where(condition, yes, no)` chooses between tensors when running.",
    wrong: "if mask then x else 0",
    right: "where(mask, x, 0)",
  },
  E0310: {
    title: "an axis that the tensor does not have",
    text: "Axes count from 0, or from the end with -1.",
  },
  E0311: {
    title: "a pattern that does not fit",
    text: "`rearrange` and `einsum` name the axes of their tensors. Each name stands once on a side; the sizes of a group like `(h k)` are given by name but for one, and multiply to the axis.",
    wrong: 'rearrange(x, "b t (h k) -> b h t k")',
    right: 'rearrange(x, "b t (h k) -> b h t k", h = heads)',
  },
  E0312: {
    title: "parts that do not make the whole",
    text: "`split` cuts an axis into equal parts or into the sizes of a list, which add up to it; `stack` takes tensors of one shape; `topk` takes at most as many as there are.",
  },
  E0313: {
    title: "an index list that does not fit",
    text: "An index list has at most one subscript per axis, at most one `...` and at most one i32 tensor. Inside a comprehension every axis has an index.",
  },
  E0314: {
    title: "an index that may leave its axis",
    text: "A read with a computed index is provably inside its axis, under the conditions of the `if`s around it. An index that is read from a tensor or converted from a float is clamped instead.",
    wrong: "[t: T] => x[t - 1]",
    right: "[t: T] => if t > 0 then x[t - 1] else 0",
  },
  E0315: {
    title: "a slice that may leave its axis",
    text: "Both ends of a slice lie inside the axis. A run-time size needs a bound for that: `T <= context` where the entry declares it.",
    wrong: "model M() {\n  param table: [64, 8]\n  entry forward(x: [T, 8]) -> (y: [T, 8]) { x + table[0:T] }\n}",
    right: "model M() {\n  param table: [64, 8]\n  entry forward(x: [T <= 64, 8]) -> (y: [T, 8]) { x + table[0:T] }\n}",
  },
  E0316: {
    title: "a comprehension that does not give elements",
    text: "The body of a comprehension is one element: arithmetic on indices, numbers and elements of tensors. A tensor is indexed on every axis, and the indices of one comprehension are not visible in another.",
  },
  E0317: {
    title: "a value that does not unpack",
    text: "`let (a, b) = …` unpacks a tuple, a list, or a tensor along its first axis, into as many names as there are parts.",
  },
  E0318: {
    title: "a tensor with too few axes",
    text: "`.T` needs two axes, `@`, `gather` and `topk` one.",
  },
  E0319: {
    title: "a wrong number of results",
    text: "The body gives as many values as are declared; several are written `(a, b)`.",
  },
});
