/**
 * The text of a schedule: one step after another, which parses back and replays.
 *
 *   reorder i b t; split i 4 exact into io ii; split t 3 peel into to ti tr copies ii2 j2; sink ii into j; mark ii unroll
 *
 * A layout is `1/8 0 1%8`: the outer part of axis 1 by 8, axis 0, the inner part of axis 1.
 *
 * A step is its name, what it takes in the order of step.ts, and words before lists.
 */
import { type Layout, type LoopKind, layoutText, loopKinds, parseLayoutPart } from "../ir/kernel/index.js";
import type { Schedule, Split, Step, Tail } from "./step.js";
import { stageScopes } from "./steps/stage.js";

export function printSchedule(schedule: Schedule): string {
  return schedule.map(stepText).join("; ");
}

export function stepText(step: Step): string {
  switch (step.step) {
    case "split":
      return words(
        "split",
        step.loop,
        String(step.factor),
        step.tail,
        ...list("into", step.names),
        ...list("copies", step.copies),
        ...(step.gather ? ["gather", step.gather.loop, String(step.gather.factor), step.gather.as] : []),
      );
    case "reorder":
      return words("reorder", ...step.loops);
    case "sink":
      return words("sink", step.loop, ...list("into", step.into), ...list("apart", step.apart ? [step.apart] : []));
    case "mark":
      return words("mark", step.loop, step.kind);
    case "peelGuard":
      return words("peelGuard", step.loop, "into", step.name, ...list("copies", step.copies));
    case "accumulate":
      return words("accumulate", step.buffer, step.loop, ...list("into", step.names));
    case "rfactor":
      return words("rfactor", step.loop, step.under, ...list("into", step.names));
    case "packWeight":
      return words("packWeight", step.buffer, layoutText(step.layout));
    case "stage": {
      const { buffer, side, loop, scope, into, names } = step;
      return words("stage", buffer, side, loop, scope, into, ...list("into", names));
    }
    case "whenFinite": {
      const { buffer, side, loop, names, copies } = step;
      return words("whenFinite", buffer, side, loop, ...list("into", names), ...list("copies", copies));
    }
    case "share": {
      const { buffer, side, loop, into, pad, width, names } = step;
      const axes = step.axes.map((names) => names.join("+"));
      const way = step.across ? "across" : "along";
      const counts = [String(pad), String(width)];
      return words("share", buffer, side, loop, into, way, ...counts, ...list("over", axes), ...list("into", names));
    }
    case "fold":
      return words("fold", step.loop);
    case "spread":
      return words(
        "spread",
        step.loop,
        String(step.lanes),
        ...(step.isMeeting ? ["meeting"] : []),
        ...list("over", step.over),
        ...list("into", step.names),
      );
    case "repeat":
      return words("repeat", step.loop);
    case "layout":
      return words("layout", step.buffer, layoutText(step.layout));
    case "materialise":
      return words("materialise", step.buffer, step.loop, step.into, "into", step.name);
    case "skipTiles":
      return words("skipTiles", step.loop, ...list("over", step.over));
    case "pad":
      return words("pad", step.loop, String(step.factor));
    case "online":
      return words("online", step.loop, String(step.factor), ...list("into", step.names));
  }
}

function words(...all: readonly string[]): string {
  return all.join(" ");
}

function list(word: string, names: readonly string[]): readonly string[] {
  return names.length === 0 ? [] : [word, ...names];
}

/** The words before lists, and those behind them. */
const listWords: readonly string[] = ["into", "copies", "over", "apart", "gather"];

/** A text that is no schedule. */
export class ScheduleSyntaxError extends Error {
  constructor(step: string, message: string) {
    super(`${step}: ${message}`);
    this.name = "ScheduleSyntaxError";
  }
}

/** @throws ScheduleSyntaxError */
export function parseSchedule(text: string): Schedule {
  const steps = text.split(/[;\n]/).map((each) => each.trim());
  return steps.filter((each) => each !== "").map((each) => new StepReader(each).step());
}

const tails: readonly Tail[] = ["exact", "guard", "round", "peel", "clamp"];

class StepReader {
  readonly #words: string[];

  constructor(readonly text: string) {
    this.#words = text.split(/\s+/);
  }

  step(): Step {
    const step = this.#step(this.#next("the name of a step"));
    if (this.#words.length > 0) this.#fail(`${this.#words[0]} is one word too many`);
    return step;
  }

  #step(name: string): Step {
    switch (name) {
      case "split":
        return this.#split();
      case "reorder":
        return { step: "reorder", loops: this.#words.splice(0) };
      case "sink": {
        const step = { step: "sink", loop: this.#next("a loop"), into: this.#list("into") } as const;
        const [apart, ...others] = this.#list("apart");
        if (others.length > 0) this.#fail("it names one loop");
        return apart === undefined ? step : { ...step, apart };
      }
      case "mark":
        return { step: "mark", loop: this.#next("a loop"), kind: this.#oneOf<LoopKind>("a kind of loop", loopKinds) };
      case "peelGuard": {
        const loop = this.#next("a loop");
        const [rest = this.#fail("the name of the second part is missing"), ...others] = this.#list("into");
        if (others.length > 0) this.#fail("the second part has one name");
        return { step: "peelGuard", loop, name: rest, copies: this.#list("copies") };
      }
      case "accumulate": {
        const buffer = this.#next("a buffer");
        return { step: "accumulate", buffer, loop: this.#next("a loop"), names: this.#list("into") };
      }
      case "rfactor": {
        const loop = this.#next("a loop");
        const under = this.#next("the loop around it");
        const [begin, combine, ...others] = this.#list("into");
        if (begin === undefined || combine === undefined || others.length > 0) this.#fail("it names two loops");
        return { step: "rfactor", loop, under, names: [begin, combine] };
      }
      case "packWeight":
        return { step: "packWeight", buffer: this.#next("a buffer"), layout: this.#layout() };
      case "stage": {
        const buffer = this.#next("a buffer");
        const side = this.#side();
        const loop = this.#next("a loop");
        const scope = this.#oneOf("a memory", stageScopes);
        return {
          step: "stage",
          buffer,
          side,
          loop,
          scope,
          into: this.#next("a new buffer"),
          names: this.#list("into"),
        };
      }
      case "whenFinite": {
        const buffer = this.#next("a buffer");
        const side = this.#side();
        const loop = this.#next("a loop");
        return { step: "whenFinite", buffer, side, loop, names: this.#list("into"), copies: this.#list("copies") };
      }
      case "share": {
        const buffer = this.#next("a buffer");
        const side = this.#side();
        const [loop, into] = [this.#next("a loop"), this.#next("a new buffer")];
        const across = this.#oneOf("a way", ["along", "across"] as const) === "across";
        const pad = this.#number("the padding");
        const width = this.#number("the width");
        const axes = this.#list("over").map((group) => group.split("+"));
        return { step: "share", buffer, side, loop, into, axes, across, pad, width, names: this.#list("into") };
      }
      case "fold":
        return { step: "fold", loop: this.#next("a loop") };
      case "spread": {
        const loop = this.#next("a loop");
        const lanes = this.#number("the number of lanes");
        const isMeeting = this.#accepts("meeting");
        return { step: "spread", loop, lanes, isMeeting, over: this.#list("over"), names: this.#list("into") };
      }
      case "repeat":
        return { step: "repeat", loop: this.#next("a loop") };
      case "layout":
        return { step: "layout", buffer: this.#next("a buffer"), layout: this.#layout() };
      case "materialise": {
        const buffer = this.#next("a buffer");
        const loop = this.#next("a loop");
        const into = this.#next("a new buffer");
        const [only, ...others] = this.#list("into");
        if (only === undefined || others.length > 0) this.#fail("it names one loop");
        return { step: "materialise", buffer, loop, into, name: only };
      }
      case "skipTiles":
        return { step: "skipTiles", loop: this.#next("a loop"), over: this.#list("over") };
      case "pad":
        return { step: "pad", loop: this.#next("a loop"), factor: this.#number("the factor") };
      case "online": {
        const loop = this.#next("a loop");
        return { step: "online", loop, factor: this.#number("the factor"), names: this.#list("into") };
      }
      default:
        return this.#fail(`there is no step ${name}`);
    }
  }

  #split(): Split {
    const loop = this.#next("a loop");
    const factor = this.#number("the factor");
    const tail = this.#oneOf("a tail", tails);
    const [names, copies] = [this.#list("into"), this.#list("copies")];
    const made = { step: "split", loop, factor, tail, names, copies } as const;
    if (!this.#accepts("gather")) return made;
    const around = this.#next("a loop");
    return { ...made, gather: { loop: around, factor: this.#number("the factor"), as: this.#next("a loop") } };
  }

  #number(what: string): number {
    const number = Number(this.#next(what.replace("the ", "a ")));
    if (!Number.isInteger(number)) this.#fail(`${what} is not a whole number`);
    return number;
  }

  #side(): "left" | "right" {
    return this.#oneOf("a side", ["left", "right"] as const);
  }

  /** A layout, which is the rest of the step. */
  #layout(): Layout {
    const parts = this.#words.splice(0);
    return parts.map((word) => parseLayoutPart(word) ?? this.#fail(`${word} is no part of a layout`));
  }

  /** The names after a word, up to the next such word; none if it does not follow. */
  #list(word: string): readonly string[] {
    if (!this.#accepts(word)) return [];
    const end = this.#words.findIndex((each) => listWords.includes(each));
    return this.#words.splice(0, end < 0 ? this.#words.length : end);
  }

  /** Takes the next word if it is this one. */
  #accepts(word: string): boolean {
    if (this.#words[0] !== word) return false;
    this.#words.shift();
    return true;
  }

  #next(what: string): string {
    return this.#words.shift() ?? this.#fail(`${what} is missing`);
  }

  #oneOf<W extends string>(what: string, offered: readonly W[]): W {
    const word = this.#next(what);
    return offered.find((each) => each === word) ?? this.#fail(`${word} is not ${what}: ${offered.join(", ")}`);
  }

  #fail(message: string): never {
    throw new ScheduleSyntaxError(this.text, message);
  }
}
