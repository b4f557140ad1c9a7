/**
 * The pictures in the READMEs are those that the command draws today. `BLESS=1 npx vitest run test/e2e/pictures.test.ts`
 * draws them anew: look at each.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { main } from "../../src/cli/main.js";
import { nodeFiles } from "../../src/node.js";

const examples = readdirSync("examples").filter((name) => existsSync(join("examples", name, `${name}.trafo`)));

/** The files that a command writes, which are not written, and what it complains about. */
async function drawn(...argv: string[]): Promise<ReadonlyMap<string, string>> {
  const files = new Map<string, string>();
  const said: string[] = [];
  const status = await main(["graph", ...argv], {
    files: { ...nodeFiles(), write: (path, contents) => void files.set(path, String(contents)) },
    out: () => {},
    err: (text) => void said.push(text),
    colour: false,
    width: 120,
    watched: false,
  });
  expect([status, said]).toEqual([0, []]);
  return files;
}

function check(files: ReadonlyMap<string, string>): void {
  for (const [path, text] of files) {
    if (process.env.BLESS) writeFileSync(path, text);
    const kept = existsSync(path) ? readFileSync(path, "utf8") : "";
    expect(kept === text, `${path} is not what the command draws: see the head of this test`).toBe(true);
  }
}

describe("the pictures of the examples", () => {
  const overview = readFileSync("examples/README.md", "utf8");

  it.each(examples)("%s", async (name) => {
    const program = `examples/${name}/${name}.trafo`;
    const files = await drawn(program, "-o", `examples/${name}/${name}.svg`);
    check(files);
    for (const path of files.keys()) expect(overview).toContain(path.slice("examples/".length));
  });
});

it("attention before and after the passes", async () => {
  const path = "examples/gpt2/attention.svg";
  const command = `examples/gpt2/gpt2.trafo --diff --focus h.0.attn -o ${path}`;
  check(await drawn(...command.split(" ")));
  const readme = readFileSync("README.md", "utf8");
  expect(readme).toContain(path);
  expect(readme).toContain(`trafo graph ${command}`);
});
