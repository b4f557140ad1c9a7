/** Decoding step by step, derived from entries that compute whole sequences. */
export { type Derived, derive, derivedNames } from "./derive.js";
export type { Refusal, RefusalReason } from "./facts.js";
export { type InterpretedOptions, InterpretedSession } from "./interpreted.js";
export { type OneStep, oneStep } from "./one.js";
export { NotIncremental, refusalCodes } from "./refusal.js";
export type { State, StateKind } from "./states.js";
export { type Tokens, tokensOf } from "./tokens.js";
export type { StepSizes } from "./views.js";
