/** The reference of the family E04 sizes and static values. */
import { entries } from "./entry.js";

export const sizes = entries({});
