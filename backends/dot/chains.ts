/** Joins boxes that only move elements, one after the other, into one: `q · split_heads`. */
import type { Edge } from "./picture.js";
import type { Sketch } from "./sheet.js";

export function withoutChains(
  sketches: readonly Sketch[],
  edges: readonly Edge[],
  nameOf: (value: number) => string | null,
): { readonly sketches: readonly Sketch[]; readonly edges: readonly Edge[] } {
  const into = grouped(edges, (edge) => edge.to);
  const outOf = grouped(edges, (edge) => edge.from);
  const kept = new Map(sketches.map((sketch) => [sketch.id, sketch]));
  const movedTo = new Map<string, string>();
  for (const { id } of sketches) {
    const first = kept.get(id);
    const [edge] = outOf.get(id) ?? [];
    const next = edge === undefined ? undefined : kept.get(edge.to);
    if (first?.kind !== "movement" || next?.kind !== "movement" || first.layer !== next.layer) continue;
    if (outOf.get(id)?.length !== 1 || into.get(next.id)?.length !== 1 || edge?.label !== "") continue;
    const name = first.shown === null ? null : nameOf(first.shown);
    const title = `${name ?? first.title} \u00b7 ${next.title}`;
    kept.delete(id);
    kept.set(next.id, { ...next, title, values: [...first.values, ...next.values] });
    movedTo.set(id, next.id);
  }
  const end = (id: string): string => {
    let at = id;
    for (let next = movedTo.get(at); next !== undefined; next = movedTo.get(at)) at = next;
    return at;
  };
  const rest = edges.flatMap((edge) => (movedTo.has(edge.from) ? [] : [{ ...edge, to: end(edge.to) }]));
  return { sketches: sketches.flatMap(({ id }) => kept.get(id) ?? []), edges: rest };
}

function grouped(edges: readonly Edge[], key: (edge: Edge) => string): ReadonlyMap<string, readonly Edge[]> {
  const groups = new Map<string, Edge[]>();
  for (const edge of edges) {
    const group = groups.get(key(edge));
    if (group === undefined) groups.set(key(edge), [edge]);
    else group.push(edge);
  }
  return groups;
}
