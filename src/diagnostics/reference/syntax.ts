/** The reference of the family E01 syntax. */
import { entries } from "./entry.js";

export const syntax = entries({});
