/**
 * Queries that an attention computes itself: products of few rows that nothing else reads, as those of a decoder that
 * attends to an encoder. Keys and values of such an attention are there already, so that nothing waits for a kernel of its
 * own. A workgroup of a head reads the head's part of the weights, so that all are read once, by fewer workgroups than a
 * product has: what that costs on a card is about what a dispatch does.
 */
import { attentionsOf, type ValueId } from "../ir/graph/index.js";
import { compare, constantOf, mul, type Size, size } from "../sizes/index.js";
import type { FewRowKernels } from "./few-rows.js";
import { costOf } from "./fusion/classes.js";

/** What an element of a query may cost, in additions, besides its sum. */
const mostCost = 24;

/** Whether a value is a product of few rows, with what is done to it element by element, that goes nowhere but into scores. */
export function isQuery(kernels: FewRowKernels, value: ValueId): boolean {
  const { graph, isLoadTime } = kernels;
  if (kernels.isOutput(value) || isLoadTime[value] || !kernels.hasFewRows(graph.types[value]!.shape)) return false;
  const members = kernels.groupOf(value).members.filter((each) => !isLoadTime[each]);
  const products = members.filter((each) => kernels.class(each) === "contraction");
  const others = members.filter((each) => kernels.class(each) !== "contraction");
  const isPlain = others.every((each) => ["map", "move", "index"].includes(kernels.class(each)));
  const cost = others.reduce((sum, each) => sum + costOf(graph, each), 0);
  const isOne = products.length === 1 && kernels.isOfFewRows(products[0]!);
  return isOne && isPlain && cost <= mostCost && isComparedWithKeys(kernels, value);
}

/** Whether each element of a value is one of the query of one row of scores, and is used for nothing else. */
function isComparedWithKeys(kernels: FewRowKernels, value: ValueId): boolean {
  const { graph } = kernels;
  let [at, users] = [value, kernels.usersOf(value)];
  while (users.length === 1 && kernels.class(users[0]!) === "move")
    [at, users] = [users[0]!, kernels.usersOf(users[0]!)];
  const [scores, ...others] = users;
  if (scores === undefined || others.length > 0 || kernels.placements[scores] === "stored") return false;
  const { operator, operands, attributes } = graph.nodes[scores]!;
  if (operator !== "einsum" || operands.length !== 2 || operands[0] === operands[1]) return false;
  const count = (shape: readonly Size[]): Size => shape.reduce((product, extent) => mul(product, extent), size(1));
  if (operands.some((each) => kernels.isLoadTime[each]) || !isOfScores(kernels, scores)) return false;
  const [all, compared] = [value, at].map((each) => count(graph.types[each]!.shape));
  const { inputs, output } = attributes;
  const own = inputs[operands.indexOf(at)]!;
  const { shape } = graph.types[scores]!;
  const summed = own.filter((label) => !output.includes(label));
  const keys = output.filter((label, axis) => !own.includes(label) && constantOf(shape[axis]!) !== 1);
  return compare(all!, compared!) === "equal" && summed.length === 1 && keys.length === 1;
}

/** Whether a value is part of the scores of an attention, which its kernel computes. */
function isOfScores(kernels: FewRowKernels, value: ValueId): boolean {
  const attentions = [...attentionsOf(kernels.graph).values()];
  return attentions.some(({ softmax, contraction, scores }) => {
    if (value === contraction || kernels.placements[softmax] === "stored") return false;
    return (
      scores === value || (kernels.placements[scores] !== "stored" && kernels.groupOf(scores).members.includes(value))
    );
  });
}

/** The product whose result is the query of a kernel's attention; null where there is none, or what else there is. */
export function queryProductOf(kernels: FewRowKernels, members: readonly ValueId[]): ValueId | null {
  const attentions = members.filter((each) => attentionsOf(kernels.graph).has(each));
  const [product, ...others] = members.filter(
    (each) => kernels.class(each) === "contraction" && kernels.isOfFewRows(each),
  );
  return attentions.length === 1 && others.length === 0 ? (product ?? null) : null;
}

/** Whether a value is made of a product, or all that a kernel makes of the value goes into the product. */
export function goesInto(
  kernels: FewRowKernels,
  members: readonly ValueId[],
  value: ValueId,
  product: ValueId,
): boolean {
  if (kernels.groupOf(value).members.includes(product)) return true;
  const passed = new Set<ValueId>([value]);
  for (const each of passed) {
    if (each === product) continue;
    if (each !== value && (kernels.placements[each] === "stored" || kernels.class(each) === "contraction"))
      return false;
    for (const user of kernels.usersOf(each)) if (members.includes(user)) passed.add(user);
  }
  return passed.has(product);
}
