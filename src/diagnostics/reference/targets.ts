/** The reference of the family E05 targets. */
import { entries } from "./entry.js";

export const targets = entries({
  E0501: {
    title: "an entry has a name that a generated model needs itself",
    text: "A generated model has a method for each entry, and `dispose`, which frees it. An entry named `then` would make the model a promise, which is awaited when it is loaded.",
    wrong: "entry dispose(x: [B, T]) -> (y: [B, T]) { … }",
    right: "entry run(x: [B, T]) -> (y: [B, T]) { … }",
  },
});
