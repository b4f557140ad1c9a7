/** The reference of the family E07 checkpoints and inputs. */
import { entries } from "./entry.js";

export const checkpoints = entries({});
