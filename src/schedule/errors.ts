/** What is wrong with a step of a schedule: it says which step, and names the loops and buffers. */
import type { Step } from "./step.js";

/** A step that must not be taken on this kernel. The kernel is left as it is. */
export class ScheduleError extends Error {
  constructor(
    readonly step: Step["step"],
    message: string,
  ) {
    super(`${step}: ${message}`);
    this.name = "ScheduleError";
  }
}
