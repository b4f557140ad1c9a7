/** Graphviz in a page: in a worker of its own, unpacked when it is first needed. */

interface Reply {
  readonly id: number;
  readonly result?: string;
  readonly error?: { readonly message: string };
}

export class Engine {
  #worker: Promise<Worker> | null = null;
  #next = 0;

  /** @param script, wasm the library and its binary, gzipped, in base64 */
  constructor(
    readonly script: string,
    readonly wasm: string,
  ) {}

  /** The SVG of a text in DOT. */
  async layOut(dot: string): Promise<string> {
    this.#worker ??= this.#start();
    const worker = await this.#worker;
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      const listen = ({ data }: MessageEvent<Reply>): void => {
        if (data.id !== id) return;
        worker.removeEventListener("message", listen);
        if (data.result === undefined) reject(new Error(data.error?.message ?? "Graphviz gives no reason"));
        else resolve(data.result);
      };
      worker.addEventListener("message", listen);
      const options = { format: "svg", engine: "dot", files: [], images: [], yInvert: false, nop: 0 };
      worker.postMessage({ id, src: dot, options });
    });
  }

  /** The first message brings the binary; the library sees those after it. */
  async #start(): Promise<Worker> {
    const [script, wasm] = await Promise.all([unpacked(this.script), unpacked(this.wasm)]);
    const library = new TextDecoder().decode(script).replace(/export\{(\w+) as default[^}]*\};?\s*$/, "$1(binary);");
    const first = `let given; const binary = new Promise((resolve) => { given = resolve; });
addEventListener("message", (event) => {
  if (!event.data.wasm) return;
  event.stopImmediatePropagation();
  given({ wasmBinary: event.data.wasm, locateFile: (name) => name, print: () => {}, printErr: () => {} });
});`;
    const worker = new Worker(URL.createObjectURL(new Blob([first, "\n", library], { type: "text/javascript" })));
    worker.postMessage({ wasm });
    return worker;
  }
}

async function unpacked(base64: string): Promise<Uint8Array> {
  const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
