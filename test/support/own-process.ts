/** Programs in processes of their own. */
import { spawn } from "node:child_process";

/**
 * The first line that a module of JavaScript prints, from JSON. Its process is ended then, and how it would have ended is not
 * asked.
 */
export async function printedBy(script: string): Promise<unknown> {
  const child = spawn(process.execPath, ["--input-type=module", "-"], { stdio: ["pipe", "pipe", "inherit"] });
  // A program that ends early is told of by its end.
  child.stdin.on("error", () => {});
  child.stdin.end(script);
  let out = "";
  const line = new Promise<string>((resolve, reject) => {
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      out += text;
      if (out.includes("\n")) resolve(out);
    });
    child.once("error", reject);
    child.once("close", (status, signal) => {
      if (out.includes("\n")) resolve(out);
      else reject(new Error(`the program ended by ${signal ?? status} and had printed: ${out}`));
    });
  });
  try {
    return JSON.parse((await line).split("\n")[0]!);
  } finally {
    child.kill("SIGKILL");
  }
}
