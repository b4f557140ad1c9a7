/** The reference of the family E06 files and the command line. */
import { entries } from "./entry.js";

export const files = entries({});
