/** What the command line needs of the process that it runs in. Tests give their own. */
import { createInterface } from "node:readline";
import { diagnostic } from "../diagnostics/index.js";
import { renderDiagnostic } from "../diagnostics/render.js";
import { nodeFiles } from "../driver/node-files.js";
import type { Files } from "../runtime/files.js";

export interface Host {
  readonly files: Files;
  /** Writes to stdout: what was asked for. */
  readonly out: (text: string) => void;
  /** Writes to stderr: diagnostics and progress. */
  readonly err: (text: string) => void;
  /** Whether stderr shows colours. */
  readonly colour: boolean;
  /** Columns of the terminal that shows stderr. */
  readonly width: number;
  /** Whether a person watches stderr, so that progress may be drawn. */
  readonly watched: boolean;
  /** The lines of stdin as they come; none if not given. */
  readonly lines?: () => AsyncIterable<string>;
}

/**
 * Writing to this machine's terminal and files. A reader that stops early (`| head`) ends the program quietly; where what
 * is written has no room, it is said.
 */
export function processHost(): Host {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EPIPE") process.exit();
      const place = stream === process.stdout ? "the standard output" : "the standard error output";
      // If that fails as well, there is nobody to tell.
      process.stderr.on("error", () => process.exit(1));
      process.stderr.write(renderDiagnostic(diagnostic("E0604", null, `${place} cannot be written: ${error.message}`)));
      process.exit(1);
    });
  }
  return {
    files: nodeFiles(),
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    colour: showsColours(),
    width: process.stderr.columns ?? 120,
    watched: process.stderr.isTTY === true && !process.env.CI,
    lines: () => createInterface({ input: process.stdin }),
  };
}

/** Whether stderr shows colours: on a terminal, unless the user's environment says otherwise. */
function showsColours(): boolean {
  const { NO_COLOR, FORCE_COLOR, TERM } = process.env;
  if (NO_COLOR) return false;
  if (FORCE_COLOR) return FORCE_COLOR !== "0";
  return process.stderr.isTTY === true && TERM !== "dumb";
}

/** How often the line is drawn anew where it counts something. */
const REDRAW = 100;

/** A line on stderr that says what goes on, while a person watches; it is gone at the end. */
export class Progress {
  #shown = false;
  #last = Number.NEGATIVE_INFINITY;

  private constructor(readonly host: Host) {}

  /** Does some work that says how far it is; the line is taken away however the work ends. */
  static async during<T>(host: Host, work: (progress: Progress) => Promise<T>): Promise<T> {
    const progress = new Progress(host);
    try {
      return await work(progress);
    } finally {
      if (progress.#shown) host.err("\r\u001b[2K");
    }
  }

  /** Says what goes on now. */
  say(what: string): void {
    if (!this.host.watched) return;
    this.host.err(`\r\u001b[2K${what.slice(0, this.host.width - 1)}`);
    this.#shown = true;
    this.#last = performance.now();
  }

  /** Says how far it is, if the line has stood for a moment. */
  count(what: string, done: number, of: number): void {
    if (performance.now() - this.#last > REDRAW) this.say(`${what} ${done} of ${of}`);
  }
}
