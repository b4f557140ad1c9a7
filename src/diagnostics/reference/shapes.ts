/** The reference of the family E03 shapes and element types. */
import { entries } from "./entry.js";

export const shapes = entries({});
