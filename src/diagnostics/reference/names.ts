/** The reference of the family E02 names. */
import { entries } from "./entry.js";

export const names = entries({});
