/**
 * Takes weights into the memory of WebAssembly as they arrive, and computes what is made of them.
 *
 * What runs read has its place from the start. What is only computed from passes through memory that nothing else needs
 * yet: mostly the places of what has not arrived, so that little more is held at any time than what is kept in the end.
 */
import { type ArrayOf, type ElementName, elementCount } from "./tensors.js";
import {
  aligned,
  type ComputedSpec,
  firstByte,
  type HeldSpec,
  type RunCalls,
  slackBytes,
  type WasmMemory,
  wasmBytes,
} from "./wasm-memory.js";

/** Some bytes of memory. */
interface Span {
  at: number;
  bytes: number;
}

export class WasmHolding {
  /** Where what is passing lies for now; equal weights share a span. */
  readonly #passing = new Map<string, Span>();
  /** What is written for good, in ascending order; neighbours are one. */
  readonly #kept: Span[] = [];
  /** What each part still waits for. */
  readonly #missing = new Map<string, Set<string>>();

  readonly memory: WasmMemory;
  readonly held: Readonly<Record<string, HeldSpec<ElementName>>>;
  readonly computed: Readonly<Record<string, ComputedSpec>>;
  readonly run: RunCalls;

  constructor(
    memory: WasmMemory,
    held: Readonly<Record<string, HeldSpec<ElementName>>>,
    computed: Readonly<Record<string, ComputedSpec>>,
    run: RunCalls,
  ) {
    this.memory = memory;
    this.held = held;
    this.computed = computed;
    this.run = run;
    for (const [name, { of }] of Object.entries(computed)) this.#missing.set(name, new Set(of));
    for (const [name, { of }] of Object.entries(computed)) if (of.length === 0) this.#compute(name);
  }

  /** The place in memory of equal weights, to be filled before anything else is taken; null where they are converted. */
  room(names: readonly string[]): ArrayOf[ElementName] | null {
    const name = this.#leader(names);
    const { type, shape } = this.held[name]!;
    return type === "f16" ? null : this.memory.view(this.#place(name), type, elementCount(shape));
  }

  /** Takes equal weights. @param array null where they lie in their room */
  take(names: readonly string[], array: ArrayOf[ElementName] | null): void {
    const leader = this.#leader(names);
    const at = this.#place(leader);
    if (array !== null) this.memory.write(at, this.held[leader]!.type, array);
    const span = this.#passing.get(leader) ?? { at, bytes: 0 };
    for (const name of names) {
      if (this.held[name]!.passing) this.#passing.set(name, span);
      else this.memory.addresses[name] = at;
    }
    for (const name of names) this.#arrived(name);
  }

  /** The one in whose place they lie: one that stays, if any does. */
  #leader(names: readonly string[]): string {
    return names.find((name) => !this.held[name]!.passing) ?? names[0]!;
  }

  #spanOf(name: string): Span {
    const { type, shape } = this.held[name] ?? this.computed[name]!;
    return { at: this.memory.addresses[name] ?? 0, bytes: aligned(wasmBytes(type, elementCount(shape))) + slackBytes };
  }

  /** The place of a weight or a part, in which nothing else lies from now on. */
  #place(name: string): number {
    const span = this.#spanOf(name);
    if (!(this.held[name] ?? this.computed[name]!).passing) {
      this.#keep(span);
      return span.at;
    }
    const known = this.#passing.get(name);
    if (known !== undefined) return known.at;
    const readers = Object.keys(this.computed).filter((each) => this.computed[each]!.of.includes(name));
    const places = readers.filter((each) => !this.computed[each]!.passing).map((each) => this.#spanOf(each));
    span.at = this.#free(span.bytes, places);
    this.#passing.set(name, span);
    return span.at;
  }

  /** Moves away what is passing through a place that is kept. */
  #keep(span: Span): void {
    for (const each of new Set(this.#passing.values())) {
      if (each.at >= span.at + span.bytes || span.at >= each.at + each.bytes) continue;
      const to = this.#free(each.bytes, [span]);
      this.memory.bytes.copyWithin(to, each.at, each.at + each.bytes);
      each.at = to;
    }
    const kept = this.#kept;
    const next = kept.findIndex(({ at }) => at > span.at);
    const place = next < 0 ? kept.length : next;
    const before = kept[place - 1];
    if (before !== undefined && before.at + before.bytes >= span.at) {
      before.bytes = Math.max(before.bytes, span.at + span.bytes - before.at);
    } else kept.splice(place, 0, { ...span });
    const merged = kept.findIndex(({ at }) => at >= span.at + span.bytes);
    const own = kept[merged - 1];
    if (own === undefined || own.at + own.bytes < kept[merged]!.at) return;
    own.bytes = kept[merged]!.at + kept[merged]!.bytes - own.at;
    kept.splice(merged, 1);
  }

  /** The first bytes in which nothing lies; nor those of `others`. */
  #free(bytes: number, others: readonly Span[] = []): number {
    let at = firstByte;
    for (const each of [...this.#kept, ...this.#passing.values(), ...others].sort((a, b) => a.at - b.at)) {
      if (at + bytes <= each.at) break;
      at = Math.max(at, each.at + each.bytes);
    }
    this.memory.reserve(at + bytes);
    return at;
  }

  #arrived(name: string): void {
    const ready: string[] = [];
    for (const [reader, missing] of this.#missing) if (missing.delete(name) && missing.size === 0) ready.push(reader);
    for (const reader of ready) this.#compute(reader);
  }

  #compute(name: string): void {
    const { of, kernel, scratch } = this.computed[name]!;
    this.#missing.delete(name);
    const result = this.#place(name);
    const operands = of.map((each) => this.#passing.get(each)?.at ?? this.memory.addresses[each]!);
    const callBytes = aligned(4 * (operands.length + 5));
    const calls = this.#free(callBytes + scratch);
    this.memory.writeCalls(calls, [[kernel, ...operands, result, calls + callBytes]]);
    this.run(calls);
    for (const each of of) {
      const isNeeded = [...this.#missing.keys()].some((reader) => this.computed[reader]!.of.includes(each));
      if (!isNeeded) this.#passing.delete(each);
    }
    this.#arrived(name);
  }
}
