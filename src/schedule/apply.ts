/** Takes the steps of a schedule, one after another. */
import type { Kernel } from "../ir/kernel/index.js";
import { ScheduleError } from "./errors.js";
import type { Schedule, Step } from "./step.js";
import { accumulate } from "./steps/accumulate.js";
import { fold } from "./steps/fold.js";
import { layout } from "./steps/layout.js";
import { mark } from "./steps/mark.js";
import { materialise } from "./steps/materialise.js";
import { online } from "./steps/online.js";
import { packWeight } from "./steps/pack-weight.js";
import { pad } from "./steps/pad.js";
import { peelGuard } from "./steps/peel-guard.js";
import { reorder } from "./steps/reorder.js";
import { repeat } from "./steps/repeat.js";
import { rfactor } from "./steps/rfactor.js";
import { share } from "./steps/share.js";
import { sink } from "./steps/sink.js";
import { skipTiles } from "./steps/skip-tiles.js";
import { split } from "./steps/split.js";
import { spread } from "./steps/spread.js";
import { stage } from "./steps/stage.js";
import { whenFinite } from "./steps/when-finite.js";

/**
 * What steps have made of a kernel, or why they must not be taken: policies try the same ones again and again, and variants
 * of a schedule begin alike.
 */
const taken = new WeakMap<Kernel, Map<string, Kernel | ScheduleError>>();

/** @throws ScheduleError where the step must not be taken on this kernel. */
export function applyStep(kernel: Kernel, step: Step): Kernel {
  let known = taken.get(kernel);
  if (known === undefined) {
    known = new Map();
    taken.set(kernel, known);
  }
  const key = JSON.stringify(step);
  const found = known.get(key) ?? attempted(kernel, step);
  known.set(key, found);
  if (found instanceof ScheduleError) throw found;
  return found;
}

function attempted(kernel: Kernel, step: Step): Kernel | ScheduleError {
  try {
    return rewritten(kernel, step);
  } catch (error) {
    if (error instanceof ScheduleError) return error;
    throw error;
  }
}

function rewritten(kernel: Kernel, step: Step): Kernel {
  switch (step.step) {
    case "split":
      return split(kernel, step);
    case "reorder":
      return reorder(kernel, step);
    case "sink":
      return sink(kernel, step);
    case "mark":
      return mark(kernel, step);
    case "peelGuard":
      return peelGuard(kernel, step);
    case "accumulate":
      return accumulate(kernel, step);
    case "rfactor":
      return rfactor(kernel, step);
    case "packWeight":
      return packWeight(kernel, step);
    case "stage":
      return stage(kernel, step);
    case "whenFinite":
      return whenFinite(kernel, step);
    case "fold":
      return fold(kernel, step);
    case "share":
      return share(kernel, step);
    case "spread":
      return spread(kernel, step);
    case "repeat":
      return repeat(kernel, step);
    case "layout":
      return layout(kernel, step);
    case "materialise":
      return materialise(kernel, step);
    case "pad":
      return pad(kernel, step);
    case "skipTiles":
      return skipTiles(kernel, step);
    case "online":
      return online(kernel, step);
  }
}

/**
 * The kernel after all steps.
 * @throws ScheduleError at the first step that must not be taken.
 */
export function applySchedule(kernel: Kernel, schedule: Schedule): Kernel {
  return schedule.reduce(applyStep, kernel);
}
