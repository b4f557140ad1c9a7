/** Numbers for the run-time sizes of an entry, where a picture has to show numbers. */
import { constantOf, type SizeVariable } from "../../sizes/index.js";
import { checkBounds } from "../inputs.js";

/** What is assumed of a size that nobody gives. */
const usual = 128;

export type SizeValues = ReadonlyMap<SizeVariable, number>;

/**
 * The given sizes; of the others the first without a bound (the batch) is 1, and the rest are 128, or their bound.
 * @throws UserError E0611 for a size that cannot be.
 */
export function assumedSizes(sizes: readonly SizeVariable[], given: ReadonlyMap<string, number>): SizeValues {
  const values = new Map<SizeVariable, number>();
  const batch = sizes.find(({ max }) => max === null);
  for (const variable of sizes) {
    const { name, min, max, step } = variable;
    const wanted = Math.max(variable === batch ? 1 : usual, constantOf(min) ?? 0);
    const most = max === null ? null : constantOf(max);
    const bounded = most === null ? wanted : Math.min(wanted, most);
    values.set(
      variable,
      given.get(name) ?? (bounded >= step ? bounded - (bounded % step) : Math.min(step, most ?? step)),
    );
  }
  checkBounds(values, "E0611");
  return values;
}

/** `B = 1, T = 128`. */
export function sizesText(values: SizeValues): string {
  return [...values].map(([{ name }, value]) => `${name} = ${value}`).join(", ");
}
