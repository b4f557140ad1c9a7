/** What the command line needs of the process that it runs in. Tests give their own. */
import picocolors from "picocolors";
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
}

/** Writing to this machine's terminal and files. A reader that stops early (`| head`) ends the program quietly. */
export function processHost(): Host {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "EPIPE") throw error;
      process.exit();
    });
  }
  return {
    files: nodeFiles(),
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    colour: picocolors.isColorSupported && process.stderr.isTTY === true,
    width: process.stderr.columns ?? 120,
    watched: process.stderr.isTTY === true && !process.env.CI,
  };
}

/** A line on stderr that says what goes on, if it takes more than a second and a person watches. */
export class Progress {
  readonly #start = performance.now();
  #shown = false;

  constructor(readonly host: Host) {}

  /** Says what goes on now. */
  say(what: string): void {
    if (!this.host.watched || performance.now() - this.#start < 1000) return;
    this.host.err(`\r\u001b[2K${what.slice(0, this.host.width - 1)}`);
    this.#shown = true;
  }

  /** Takes the line away. */
  end(): void {
    if (this.#shown) this.host.err("\r\u001b[2K");
    this.#shown = false;
  }
}
