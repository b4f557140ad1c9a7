/** A Chromium without a window, driven by its own protocol through a pipe: pages are opened, asked and looked at. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";
import { removeFolder } from "./remove-folder.js";

const names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/** The browser's program, or null where there is none. */
export const chromium = names.find((name) => spawnSync(name, ["--version"]).status === 0) ?? null;

const flags = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-sync",
  "--disable-background-networking",
  "--disable-component-update",
  "--window-size=1400,1000",
  "--remote-debugging-pipe",
];

interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly params?: Event;
  readonly result?: Record<string, unknown>;
  readonly error?: { readonly message: string };
}

/** What is told of requests, and of how far the documents of a page are. */
interface Event {
  readonly request?: { readonly url: string };
  readonly name?: string;
  readonly loaderId?: string;
}

/** One page of one browser. */
export class Page {
  /** What the page has asked the network for. */
  readonly requests: string[] = [];
  readonly #profile = mkdtempSync(join(tmpdir(), "trafo-page-"));
  readonly #child: ChildProcess;
  readonly #waiting = new Map<
    number,
    { resolve: (result: Record<string, unknown>) => void; reject: (error: Error) => void }
  >();
  /** The documents that are loaded, by their loaders. */
  readonly #loaded = new Set<string>();
  #onLoaded: () => void = () => {};
  #hasEnded = false;
  #session: string | null = null;
  #next = 1;
  #rest = "";

  private constructor(program: string) {
    const args = [...flags, `--user-data-dir=${this.#profile}`, "about:blank"];
    // What it leaves in the folder for such things goes with the profile.
    const env = { ...process.env, TMPDIR: this.#profile };
    this.#child = spawn(program, args, { env, stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"] });
    (this.#child.stdio[4] as Readable).setEncoding("utf8").on("data", (text: string) => this.#read(text));
    // What is asked of a browser that has ended is told of by its end.
    (this.#child.stdio[3] as Writable).on("error", () => {});
    this.#child.once("exit", (status, signal) => {
      this.#hasEnded = true;
      const error = new Error(`the browser has ended: ${signal ?? status}`);
      for (const { reject } of this.#waiting.values()) reject(error);
      this.#waiting.clear();
    });
  }

  static async open(url: string): Promise<Page> {
    if (chromium === null) throw new Error("there is no browser");
    const page = new Page(chromium);
    // A page of its own: whether the browser has made its first one yet is chance.
    const { targetId } = await page.send("Target.createTarget", { url: "about:blank" });
    const { sessionId } = (await page.send("Target.attachToTarget", { targetId, flatten: true })) as {
      sessionId: string;
    };
    page.#session = sessionId;
    await Promise.all([
      page.send("Page.enable"),
      page.send("Network.enable"),
      page.send("Page.setLifecycleEventsEnabled", { enabled: true }),
    ]);
    // The load of the page before it may be told of late: documents are told apart by their loaders.
    const { loaderId } = (await page.send("Page.navigate", { url })) as { loaderId: string };
    while (!page.#loaded.has(loaderId))
      await new Promise<void>((resolve) => {
        page.#onLoaded = resolve;
      });
    return page;
  }

  /** The value of an expression in the page, or of the promise that it is. */
  async evaluate(expression: string): Promise<unknown> {
    const options = { expression, awaitPromise: true, returnByValue: true };
    const { result, exceptionDetails } = (await this.send("Runtime.evaluate", options)) as {
      result: { value?: unknown };
      exceptionDetails?: { text: string; exception?: { description?: string } };
    };
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    return result.value;
  }

  /** Waits until an expression is true in the page. */
  async until(expression: string): Promise<void> {
    await this.evaluate(
      `new Promise((done) => { const look = () => ((${expression}) ? done() : setTimeout(look, 20)); look(); })`,
    );
  }

  async key(key: string, text = key.length === 1 ? key : ""): Promise<void> {
    await this.send("Input.dispatchKeyEvent", { type: "keyDown", key, text });
    await this.send("Input.dispatchKeyEvent", { type: "keyUp", key });
  }

  async send(method: string, params: object = {}): Promise<Record<string, unknown>> {
    if (this.#hasEnded) throw new Error("the browser has ended");
    const id = this.#next++;
    const session = this.#session === null ? {} : { sessionId: this.#session };
    const answer = new Promise<Record<string, unknown>>((resolve, reject) =>
      this.#waiting.set(id, { resolve, reject }),
    );
    (this.#child.stdio[3] as Writable).write(`${JSON.stringify({ id, method, params, ...session })}\0`);
    return answer;
  }

  async close(): Promise<void> {
    if (!this.#hasEnded) {
      const gone = new Promise((resolve) => this.#child.once("exit", resolve));
      this.#child.kill("SIGKILL");
      await gone;
    }
    await removeFolder(this.#profile);
  }

  #read(text: string): void {
    const parts = (this.#rest + text).split("\0");
    this.#rest = parts.pop() ?? "";
    for (const part of parts) this.#receive(JSON.parse(part) as Message);
  }

  #receive({ id, method, params, result, error }: Message): void {
    if (id !== undefined) {
      const waiting = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (error) waiting?.reject(new Error(error.message));
      else waiting?.resolve(result ?? {});
      return;
    }
    if (method === "Network.requestWillBeSent" && params?.request) this.requests.push(params.request.url);
    if (method === "Page.lifecycleEvent" && params?.name === "load") {
      this.#loaded.add(params.loaderId!);
      this.#onLoaded();
    }
  }
}
