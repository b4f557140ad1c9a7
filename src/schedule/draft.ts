/** A schedule in the making: steps are taken one by one, so that a policy sees what each has made. */
import { type Kernel, kernelViolations } from "../ir/kernel/index.js";
import { applyStep } from "./apply.js";
import { ScheduleError } from "./errors.js";
import { loopsIn } from "./loops.js";
import type { Loop } from "./rewrite.js";
import type { Schedule, Step } from "./step.js";

export class Draft {
  readonly #steps: Step[] = [];
  readonly #taken: Set<string>;

  constructor(public kernel: Kernel) {
    this.#taken = new Set(kernel.sizes.map((each) => each.name));
    for (const loop of loopsIn(kernel.body)) this.#taken.add(loop.variable.name);
  }

  get steps(): Schedule {
    return this.#steps;
  }

  /** @throws ScheduleError where a step must not be taken. */
  take(...steps: readonly Step[]): void {
    this.kernel = steps.reduce(applyStep, this.kernel);
    this.#steps.push(...steps);
  }

  /**
   * Whether all of it could be taken; nothing is, where a part must not be.
   * @param isProven whether the kernel after it must keep all rules: bounds that steps make may be right and not proven.
   */
  try(action: () => void, isProven = false): boolean {
    const [kernel, count] = [this.kernel, this.#steps.length];
    try {
      action();
      if (!isProven || kernelViolations(this.kernel).length === 0) return true;
      this.kernel = kernel;
      this.#steps.length = count;
      return false;
    } catch (error) {
      if (!(error instanceof ScheduleError)) throw error;
      this.kernel = kernel;
      this.#steps.length = count;
      return false;
    }
  }

  /** A name for a loop that no loop has or had. */
  fresh(wanted: string): string {
    const stem = wanted.replace(/\d+$/, "") || "i";
    let name = stem;
    for (let number = 2; this.#taken.has(name); number++) name = `${stem}${number}`;
    this.#taken.add(name);
    return name;
  }

  /** The only loop of a name, if there is one. */
  loop(name: string): Loop | null {
    const found = loopsIn(this.kernel.body).filter((each) => each.variable.name === name);
    return found.length === 1 ? found[0]! : null;
  }

  /** The name of the loop in which the only loop of a name stands directly; null where there is none. */
  around(name: string): string | null {
    const loop = this.loop(name);
    const found = loopsIn(this.kernel.body).find(({ body }) => loop !== null && body.includes(loop));
    return found?.variable.name ?? null;
  }

  /** The loops in a loop, outer ones first. */
  inside(name: string): readonly Loop[] {
    const loop = this.loop(name);
    return loop === null ? [] : loopsIn(loop.body);
  }
}
