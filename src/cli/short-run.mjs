/**
 * Lets V8 wait longer before it optimizes a function. A compilation is over in about a second, in which the optimizing
 * compiler would take more of the processor than it saves; loops that run for long, as those of models do, are still
 * optimized after some milliseconds. To be imported before anything else.
 */
import { setFlagsFromString } from "node:v8";

/** In bytes of bytecode that a function runs; V8's own is 67584. */
setFlagsFromString("--interrupt-budget=1000000");
