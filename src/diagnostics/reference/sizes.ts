/** The reference of the family E04 sizes and static values. */
import { entries } from "./entry.js";

export const sizes = entries({
  E0401: {
    title: "a quotient that is no size",
    text: "`/` is real division. A whole quotient may serve as a size; another one may not, and the message shows the division. `//` rounds down where that is meant.",
    wrong: "param weight: [768 / 10, 768]",
    right: "param weight: [768 / 12, 768]",
  },
  E0402: {
    title: "a run-time size where a known value is needed",
    text: "The entry's own sizes, such as B and T, are known only when running. What gets built (weights, layers, counts, branches) may not depend on them.",
  },
  E0403: {
    title: "a static argument of the wrong type",
    text: "Static arguments are int, float, bool, string, fn or lists of them. An int takes a whole number.",
  },
  E0404: {
    title: "a missing argument",
    text: "An argument without a default is given at every call.",
  },
  E0405: {
    title: "an argument too many, unknown or doubled",
    text: "Arguments are given in order, then by name, each once.",
  },
  E0406: {
    title: "an assertion that does not hold",
    text: "The model says what it supports with `assert`. The static arguments that it was given do not fulfil it.",
  },
  E0407: {
    title: "a static operation that has no meaning",
    text: "Arithmetic works on numbers, comparison on values of one kind; `for` walks lists and counts whole numbers.",
  },
  E0408: {
    title: "a division by zero",
    text: "The divisor is known to be 0 when compiling, or is a run-time size that may be 0. `assert T >= 1` in the entry says that it is not.",
  },
  E0409: {
    title: "a list of another length",
    text: "The type of a list argument gives its length: `string[layers]`. One value given for a list is repeated.",
  },
  E0410: {
    title: "a list index outside the list",
    text: "Lists count from 0, or from the end with -1.",
  },
  E0411: {
    title: "an assertion on run-time sizes of a form that is not supported",
    text: "An assertion on run-time sizes becomes a check before each run: a bound of one size (`T >= 2`, `T <= 128`), a number that divides one (`T % 4 == 0`), or the equality of two (`S == T`).",
  },
  E0412: {
    title: "a size past its bound",
    text: "The declaration bounds the size (`T <= context`), and the given size can be larger.",
  },
  E0413: {
    title: "a static argument of the model without a value",
    text: "It has no default, no `--set` gives it, and config.json has none of its keys (or holds there what does not fit).",
  },
  E0414: {
    title: "a setting that the model does not take",
    text: "`--set name=value` sets a static argument of the model: the name is one of its arguments, the value a literal of its type.",
  },
  E0415: {
    title: "a call of what cannot be called",
    text: "Functions and layers are called. An array of layers is walked with `for`, or indexed.",
  },
  E0416: {
    title: "a block where a layer is needed, or the reverse",
    text: "A block owns weights, so it gets a name by `layer name = Block(…)` before it is called.",
    wrong: "Linear(4 * D)(x)",
    right: "layer up = Linear(4 * D)\nup(x)",
  },
  E0417: {
    title: "a size that no tensor has",
    text: "Sizes and counts are whole numbers from 0 to 2^53 - 1.",
  },
  E0418: {
    title: "a run-time size that can have no value",
    text: "What an entry declares and asserts of a size, and what the blocks that it reaches ask of it, must hold for one value at least.",
    wrong:
      'model M() {\n  entry run(x: [T <= 7]) -> (y: [T]) {\n    assert T >= 5, "more than a window"\n    assert T % 4 == 0, "whole windows"\n    x\n  }\n}',
    right:
      'model M() {\n  entry run(x: [T <= 8]) -> (y: [T]) {\n    assert T >= 5, "more than a window"\n    assert T % 4 == 0, "whole windows"\n    x\n  }\n}',
  },
  E0419: {
    title: "an entry that asks more and more of its sizes",
    text: "What an entry asks of its run-time sizes is found by elaborating it, and it is elaborated again with sizes that fulfil it. Where each time something new is asked, such as one position more for each of many slices, an assert at the beginning of the entry says all of it at once.",
  },
});
