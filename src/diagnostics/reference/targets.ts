/** The reference of the family E05 targets. */
import { entries } from "./entry.js";

export const targets = entries({});
