/** `trafo explain`: the reference of a diagnostic. */
import type { Command } from "commander";
import { type Code, reference, UserError } from "../../diagnostics/index.js";
import { nearest } from "../../diagnostics/nearest.js";
import type { Host } from "../host.js";

export function declareExplain(program: Command, host: Host, finish: (status: number) => void): void {
  program
    .command("explain")
    .summary("print what a diagnostic means")
    .description("Prints the reference of a diagnostic: when it is reported, why, and an example.")
    .argument("<CODE>", "the code in brackets, such as E0304")
    .addHelpText("after", "\nExample:\n  trafo explain E0706")
    .action((code: string) => finish(explain(host, code)));
}

function isCode(word: string): word is Code {
  return Object.hasOwn(reference, word);
}

function explain(host: Host, word: string): number {
  const code = word.toUpperCase().replace(/^(ERROR|WARNING|NOTE)?\[?(E\d+)\]?$/, "$2");
  if (!isCode(code)) throw unknown(word, code);
  const { title, text, wrong, right } = reference[code];
  const example = (name: string, lines: string | undefined) =>
    lines === undefined ? "" : `\n${name}:\n${lines.replace(/^/gm, "  ")}\n`;
  host.out(`${code}: ${title}\n\n${wrapped(text, 100)}\n${example("Wrong", wrong)}${example("Right", right)}`);
  return 0;
}

function unknown(word: string, code: string): UserError {
  const codes = Object.keys(reference).sort();
  const family = codes.filter((each) => each.slice(0, 3) === code.slice(0, 3));
  const near = nearest(code, codes) ?? family[0] ?? null;
  return UserError.of("E0609", `there is no diagnostic ${word}`, {
    help:
      near === null
        ? ["a code is E and four digits, such as E0304"]
        : [`the nearest is ${near}: ${reference[near as Code].title}`],
  });
}

/** Breaks lines at blanks so that none is longer than `width`. */
export function wrapped(text: string, width: number): string {
  const lines: string[] = [];
  for (const paragraph of text.split("\n")) {
    let line = "";
    for (const word of paragraph.split(" ")) {
      if (line !== "" && line.length + 1 + word.length > width) {
        lines.push(line);
        line = word;
      } else line = line === "" ? word : `${line} ${word}`;
    }
    lines.push(line);
  }
  return lines.join("\n");
}
