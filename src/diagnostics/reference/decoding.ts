/** The reference of the family E08 decoding. */
import { entries } from "./entry.js";

export const decoding = entries({});
