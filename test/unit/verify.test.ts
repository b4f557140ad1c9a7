import { describe, expect, it } from "vitest";
import { SourceFile } from "../../src/diagnostics/index.js";
import { renderDiagnostic } from "../../src/diagnostics/render.js";
import { firstDeparture, withAllValues } from "../../src/driver/blame.js";
import { blamedPass } from "../../src/driver/blame-pass.js";
import type { Case } from "../../src/driver/cases.js";
import { decodeGreedily, decodingOf } from "../../src/driver/greedy.js";
import { checkInputs, type Given, givenNumbers, givenTensor, indexLimits } from "../../src/driver/inputs.js";
import { Compilation, type How } from "../../src/driver/pipeline.js";
import { runEntries } from "../../src/driver/run.js";
import { interpreterRunner, type Runner, type Start } from "../../src/driver/targets.js";
import { type Verification, verify } from "../../src/driver/verify.js";
import { failureDiagnostics, noticesOf } from "../../src/driver/verify-report.js";
import type { Program } from "../../src/ir/graph/index.js";
import { memoryFiles } from "../../src/runtime/files.js";
import type { Tensor } from "../../src/runtime/host/tensors.js";
import { randomWeights, readWeights } from "../../src/runtime/weights.js";
import { f32, i32 } from "./support/cli.js";

/** An encoder that sums its tokens' rows, and a decoder that multiplies by the sum: the next token follows by hand. */
const pair = `model Pair(vocab: int = 4) {
  param table: [vocab, vocab] as "table"
  param next: [vocab, vocab] as "next"

  entry encode(source: i32[B, S], source_mask: i32[B, S] = 1) -> (memory: [B, vocab]) {
    sum(table[source] * rearrange(f32(source_mask), "b s -> b s 1"), axis = 1, keep = false)
  }

  entry decode(tokens: i32[B, T <= 8], memory: [B, vocab], mask: i32[B, T] = 1) -> (scores: [B, T, vocab], total: i32[B]) {
    let x = next[tokens] + rearrange(memory, "b v -> b 1 v")
    (x, sum(mask, keep = false))
  }
}
`;

function programOf(text: string): Program {
  return new Compilation({ files: memoryFiles(), path: "p.trafo", text }).get("graph");
}

/** Each token is followed by the next one, and 3 by 0; what is encoded counts little. */
const next = f32([4, 4], [0, 9, 0, 0, 0, 0, 9, 0, 0, 0, 0, 9, 9, 0, 0, 0]);
const table = f32(
  [4, 4],
  Array.from({ length: 16 }, (_, i) => (i % 5 === 0 ? 1 : 0)),
);
const weights = new Map([
  ["table", table],
  ["next", next],
]);
const program = programOf(pair);
const compilation = Compilation.ofGraphs(program.name, program.entries);
const runner = interpreterRunner(program.entries, weights, "f32");
const given = (values: Record<string, unknown>): Map<string, Given> =>
  new Map(Object.entries(values).map(([name, value]) => [name, givenNumbers(value, name)]));
const caseOf = (inputs: Record<string, unknown>, outputs: Record<string, Tensor>): Case => ({
  name: "case0",
  inputs: given(inputs),
  outputs: new Map(Object.entries(outputs)),
});

describe("running entries", () => {
  it("feeds outputs to later entries by name, unless they are given", async () => {
    const runs = await runEntries(runner, program, given({ source: [[0, 0]], tokens: [[1]] }));
    expect(runs.map(({ entry }) => entry.name)).toEqual(["encode", "decode"]);
    expect([...runs[1]!.outputs.get("scores")!.data]).toEqual([2, 0, 9, 0]);
    const own = await runEntries(runner, program, given({ source: [[0]], tokens: [[1]], memory: [[0, 0, 0, 5]] }));
    expect([...own[1]!.outputs.get("scores")!.data]).toEqual([0, 0, 9, 5]);
  });
  it("runs only entries whose inputs are there", async () => {
    const runs = await runEntries(runner, program, given({ source: [[0]] }));
    expect(runs.map(({ entry }) => entry.name)).toEqual(["encode"]);
    await expect(runEntries(runner, program, given({}))).rejects.toThrow("E0710");
  });
  it("knows which inputs are indices", () => {
    expect([...indexLimits(program.entries[0]!).keys()]).toEqual(["source"]);
    expect([...indexLimits(program.entries[1]!).keys()]).toEqual(["tokens"]);
    expect(() => givenTensor(f32([1], [1]), "x").as("i32")).toThrow("E0712");
  });
  it("takes empty inputs", async () => {
    const { inputs } = checkInputs(program.entries[0]!, new Map([["source", givenTensor(i32([0, 3], []), "source")]]));
    expect(inputs.get("source")!.shape).toEqual([0, 3]);
  });
});

describe("greedy decoding", () => {
  const decoding = decodingOf(program)!;
  const decode = async (each: Case, by: Runner = runner) => [
    ...(await decodeGreedily(by, program, decoding, each, each.outputs.get("greedy")!)).tokens.data,
  ];

  it("finds the entry with scores and its tokens by their types", () => {
    expect([decoding.entry.name, decoding.scores, decoding.tokens]).toEqual(["decode", "scores", "tokens"]);
    const none = programOf("model M() {\n  param w: [2]\n  entry forward(x: [B, 2]) -> (y: [B, 2]) { x * w }\n}\n");
    expect(decodingOf(none)).toBeNull();
  });
  it("starts an encoder-decoder with the first expected token", async () => {
    const each = caseOf({ source: [[0], [0]] }, { greedy: i32([2, 5], [1, 2, 3, 0, 1, 3, 0, 1, 2, 3]) });
    expect(await decode(each)).toEqual([1, 2, 3, 0, 1, 3, 0, 1, 2, 3]);
  });
  it("starts with the prompt where there is one, and lengthens what goes with it", async () => {
    const each = caseOf({ source: [[0]], tokens: [[2, 1]], mask: [[1, 1]] }, { greedy: i32([1, 5], [2, 1, 2, 3, 0]) });
    expect(await decode(each)).toEqual([2, 1, 2, 3, 0]);
  });
  it("gives the lowest token among equals, and none where a score is NaN", async () => {
    const scores = (values: number[]): Runner => ({
      run: async () =>
        new Map([
          ["memory", f32([1, 4], [0, 0, 0, 0])],
          ["scores", f32([1, 1, 4], values)],
        ]),
      dispose: () => {},
    });
    const each = caseOf({ source: [[0]] }, { greedy: i32([1, 3], [1, 2, 2]) });
    expect(await decode(each, scores([0, 0, 5, 5]))).toEqual([1, 2, 2]);
    expect(await decode(each, scores([0, Number.NaN, 5, 5]))).toEqual([1, -1, -1]);
  });
  it("refuses a prompt of other rows", async () => {
    const each = caseOf({ source: [[0]], tokens: [[1], [2]] }, { greedy: i32([1, 3], [1, 2, 3]) });
    await expect(decode(each)).rejects.toThrow("E0715");
  });
});

describe("the operator that departs", () => {
  const graph = program.entries[1]!;
  const ready = checkInputs(graph, given({ tokens: [[0, 1]], memory: [[0, 0, 1, 0]] }));
  /** Runs on the interpreter, and changes the values of one operator. */
  const changing =
    (operator: string, change: (tensor: Tensor) => void): Start =>
    async (changed, of) => {
      const inner = interpreterRunner(changed.get("graph").entries, of, "f32");
      return {
        dispose: () => {},
        run: async (entry, inputs) => {
          const outputs = await inner.run(entry, inputs);
          const at = graph.nodes.findIndex((node) => node.operator === operator);
          const tensor = outputs.get(`value_${at}`);
          if (tensor) change(tensor);
          return outputs;
        },
      };
    };
  it("is none where all values agree", async () => {
    const small = changing("add", (tensor) => {
      tensor.data[0]! += 1e-5;
    });
    expect(await firstDeparture(small, compilation, graph, ready, weights)).toBeNull();
  });
  it("is found with its source line, both values and its layers", async () => {
    const wrong = changing("add", (tensor) => {
      tensor.data[6] = Number.NaN;
    });
    expect(await firstDeparture(wrong, compilation, graph, ready, weights)).toMatchObject({
      entry: "decode",
      operator: "add",
      location: { file: "p.trafo", line: 10 },
      name: "x",
      at: "[0, 1, 2]",
      found: Number.NaN,
      expected: 10,
    });
  });
  it("is sought among all values", () => {
    const all = withAllValues(graph);
    expect(all.outputs.length).toBeGreaterThan(3);
    expect(all.outputs.map(({ value }) => graph.nodes[value]!.operator)).not.toContain("weight");
  });
  it("is shown at its line", () => {
    const result: Verification = {
      passed: false,
      tolerance: 1e-4,
      tolerances: {},
      rows: [
        {
          target: "typescript",
          case: "case0",
          output: "scores",
          against: "expected",
          passed: false,
          rounded: null,
          absolute: 1,
          relative: 1,
          detail: "scores[0] is 1, and 2 is expected",
        },
      ],
      failures: [
        {
          target: "typescript",
          case: "case0",
          outputs: ["scores"],
          against: "expected",
          departure: {
            entry: "decode",
            operator: "add",
            location: { file: "p.trafo", line: 10, column: 13 },
            scope: "h.0",
            name: "x",
            at: "[0]",
            found: 1,
            expected: 2,
          },
          pass: null,
        },
      ],
      notCompared: ["case0.out.a", "case1.out.a", "case1.out.b"],
      notUsed: ["case0.in.z"],
    };
    const text = failureDiagnostics(result, new SourceFile("p.trafo", pair))
      .map((d) => renderDiagnostic(d))
      .join("");
    expect(text).toContain(
      '10 │     let x = next[tokens] + rearrange(memory, "b v -> b 1 v")\n   │             ^^^^ the first operator that departs',
    );
    expect(text).toContain(
      "the first operator that departs from the interpreter in f64 is add in h.0 at p.trafo:10:13",
    );
    expect(text).toContain("its value x[0] is 1 on typescript and 2 in f64");
    expect(noticesOf(result)).toEqual([
      "not compared, as no entry returns them: a (case0); a, b (case1)",
      "not used, as no entry takes them: z (case0)",
    ]);
  });
});

describe("the pass without which all agrees", () => {
  const graph = program.entries[1]!;
  const ready = checkInputs(graph, given({ tokens: [[0, 1]], memory: [[0, 0, 1, 0]] }));
  const runs = [{ entry: graph, ready, outputs: new Map() }];
  /** Runs on the interpreter, and adds to every output while the compilation is one that is wrong. */
  const wrongWhile =
    (isWrong: (how: How) => boolean): Start =>
    async (changed, of) => {
      const inner = interpreterRunner(changed.get("graph").entries, of, "f32");
      return {
        dispose: () => {},
        run: async (entry, inputs) => {
          const outputs = await inner.run(entry, inputs);
          if (isWrong(changed.request)) for (const { data } of outputs.values()) data[0] = Number(data[0]) + 1000;
          return outputs;
        },
      };
    };
  const runsPass = (how: How, name: string): boolean => !(how.optimize?.without ?? []).includes(name);
  it.each([
    ["--disable fusion", (how: How) => runsPass(how, "fusion")],
    ["--disable algebra", (how: How) => runsPass(how, "algebra")],
    ["--no-schedule", (how: How) => how.policy !== null],
    [null, () => true],
    [null, () => false],
  ])("is %s", async (option, isWrong) => {
    expect(await blamedPass(wrongWhile(isWrong), compilation, runs, weights)).toBe(option);
  });
  it("is told, where no operator alone departs", () => {
    const rows: Verification["rows"] = [
      {
        target: "typescript",
        case: "case0",
        output: "scores",
        against: "expected",
        passed: false,
        absolute: 1,
        relative: 1,
        rounded: null,
        detail: null,
      },
    ];
    const failure = {
      target: "typescript",
      case: "case0",
      outputs: ["scores"],
      against: "expected",
      departure: null,
    } as const;
    const failures = [{ ...failure, pass: "--disable fusion" }];
    const result: Verification = {
      passed: false,
      tolerance: 1e-4,
      tolerances: {},
      rows,
      failures,
      notCompared: [],
      notUsed: [],
    };
    const [text] = failureDiagnostics(result, new SourceFile("p.trafo", pair)).map((d) => renderDiagnostic(d));
    expect(text).toContain("with --disable fusion, it gives what the interpreter gives in f64");
    expect(text).toContain("every operator alone is right");
  });
});

describe("verification", () => {
  it("fails an output whose entry could not run", async () => {
    const each = caseOf({ source: [[0]] }, { scores: f32([1, 1, 4], [0, 0, 0, 0]) });
    const result = await verify({ compilation, weights, cases: [each], targets: ["interpreter"], tolerance: 1e-4 });
    expect(result.passed).toBe(false);
    expect(result.rows[0]).toMatchObject({ passed: false, absolute: null });
    expect(result.rows[0]!.detail).toContain("does not give the inputs of the entry that returns scores");
  });
  it("compares integers exactly", async () => {
    const each = caseOf({ tokens: [[0, 1]], memory: [[0, 0, 0, 0]] }, { total: i32([1], [3]) });
    const result = await verify({ compilation, weights, cases: [each], targets: ["interpreter"], tolerance: 100 });
    expect(result.rows[0]).toMatchObject({ output: "total", passed: false, absolute: 1 });
    expect(result.failures[0]!.departure).toBeNull();
  });
  it("reads every weight of the entries", () => {
    expect([...readWeights(program.entries, randomWeights(0)).keys()].sort()).toEqual(["next", "table"]);
  });
});
