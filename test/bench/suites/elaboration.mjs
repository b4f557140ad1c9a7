/** Checking and elaborating grows linearly with the layers. */
import { check } from "../../../dist/src/index.js";
import { interleaved, median } from "../measure.mjs";
import { spread, summary, table } from "../report.mjs";
import { exampleText } from "../tasks.mjs";

const depths = [12, 24, 48, 96];

export async function elaboration() {
  const rows = [];
  const data = [];
  for (const name of ["gpt2", "llama", "t5"]) {
    const text = exampleText(name);
    const contestants = depths.map((layers) => ({
      name: String(layers),
      run: () => check({ path: `${name}.trafo`, text, settings: new Map([["layers", layers]]) }),
    }));
    const times = await interleaved(contestants, { rounds: 7 });
    const ratio = median(times.get("96")) / median(times.get("12"));
    rows.push([name, ...contestants.map((each) => spread(times.get(each.name))), ratio.toFixed(1)]);
    data.push({ name, milliseconds: Object.fromEntries([...times].map(([key, all]) => [key, summary(all)])), ratio });
  }
  const header = ["model", ...depths.map(String), "96 / 12"];
  table("Checking and elaborating, milliseconds by layers", header, rows, data);
}
