/**
 * How the lanes of a workgroup meet where a device has subgroups: those of each combine what they have by themselves, and
 * the results of subgroups meet in memory of the workgroup, which every subgroup then reads as a whole.
 *
 * What must stay true: nothing is known of subgroups but that each lane is in one. How large they are, whether all are full,
 * and which lanes are in which is the device's matter.
 */
import type { UpdateOperator } from "../../src/ir/kernel/index.js";
import type { Names } from "../common/names.js";

/** How the lanes of a subgroup combine what they have. */
export const functions: { readonly [K in UpdateOperator]: string } = {
  add: "subgroupAdd",
  max: "subgroupMax",
  min: "subgroupMin",
};

export interface Meeting {
  /** The variable that each lane has. */
  readonly name: string;
  readonly update: UpdateOperator;
  /** What changes nothing. */
  readonly identity: string;
  /** An array of as many elements as there are lanes. */
  readonly memory: string;
  readonly lanes: number;
  /** Whether others may still read the memory, from a turn of a loop before. */
  readonly isRepeated: boolean;
}

/** Must stand where all lanes of the workgroup pass. */
export function meetingText(meeting: Meeting, names: Names): string[] {
  // How many lanes a subgroup has, the place of a lane in it, a turn, and what is read then.
  const own = ["count", "first", "turn", "other"].map((wanted) => names.claim(wanted));
  const [count, first, turn, other] = own;
  for (const each of own) names.release(each);
  const { name, update, identity, memory, lanes, isRepeated } = meeting;
  const all = functions[update];
  const place = `${turn} + ${first}`;
  return [
    ...(isRepeated ? ["workgroupBarrier();"] : []),
    `${memory}[lane] = select(${identity}, ${all}(${name}), subgroupElect());`,
    "workgroupBarrier();",
    "{",
    `  let ${count} = subgroupAdd(1u);`,
    `  let ${first} = subgroupExclusiveAdd(1u);`,
    `  ${name} = ${identity};`,
    `  for (var ${turn} = 0u; ${turn} < ${lanes}u; ${turn} += ${count}) {`,
    `    let ${other} = select(${identity}, ${memory}[min(${place}, ${lanes - 1}u)], ${place} < ${lanes}u);`,
    update === "add" ? `    ${name} += ${other};` : `    ${name} = ${update}(${name}, ${other});`,
    "  }",
    `  ${name} = ${all}(${name});`,
    "}",
  ];
}
