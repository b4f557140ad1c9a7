/**
 * Who computes what at the same time, to find races.
 *
 * An agent is one iteration of a parallel loop, inside one iteration of the parallel loop around it. Iterations of one
 * run of a loop happen at the same time; lanes between two barriers are one run. Two runs happen one after the other.
 */

/** One run of a parallel loop, or of lanes from one barrier to the next. */
export class Run {
  readonly #agents: (Agent | undefined)[] = [];

  constructor(readonly parent: Agent | null) {}

  agent(iteration: number): Agent {
    let agent = this.#agents[iteration];
    if (agent === undefined) {
      agent = { run: this, iteration, depth: (this.parent?.depth ?? 0) + 1 };
      this.#agents[iteration] = agent;
    }
    return agent;
  }
}

export interface Agent {
  readonly run: Run;
  readonly iteration: number;
  readonly depth: number;
}

/** Whether nothing orders the two: they are below different iterations of one run. */
export function areConcurrent(a: Agent | null | undefined, b: Agent): boolean {
  if (a === b || a === null || a === undefined) return false;
  let x: Agent = a;
  let y: Agent = b;
  while (x.depth > y.depth) x = x.run.parent!;
  while (y.depth > x.depth) y = y.run.parent!;
  if (x === y) return false;
  // The outermost place where they part: there they are iterations of one run, or of runs one after the other.
  while (x.run.parent !== y.run.parent) {
    x = x.run.parent!;
    y = y.run.parent!;
  }
  return x.run === y.run;
}
