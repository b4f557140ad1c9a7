/** What keeps an entry that is `incremental` from being computed step by step, at the place in the program. */
import { type Diagnostics, diagnostic, type Span } from "../../src/diagnostics/index.js";
import { derive, NotIncremental, type Refusal, refusalCodes } from "../../src/incremental/index.js";
import type { Graph, ValueId } from "../../src/ir/graph/index.js";
import type { Context, Site } from "./context.js";

/** Derives the step of an entry, to report why there is none, or what it rests on. */
export function checkIncremental(
  graph: Graph,
  time: string,
  ctx: Context,
  entry: Span,
  diagnostics: Diagnostics,
): void {
  const site = (node: ValueId): Site | null => {
    const location = graph.locations[node];
    return location ? (ctx.sites.get(location) ?? null) : null;
  };
  try {
    const { assumptions } = derive(graph, time);
    for (const { node, kind } of assumptions) if (kind === "row") warnOfRow(site(node), time, entry, diagnostics);
  } catch (error) {
    if (!(error instanceof NotIncremental)) throw error;
    refuse(error.refusal, site, entry, diagnostics);
  }
}

/** Where to point, and beside it what of the library lies there. */
function place(site: Site | null, entry: Span) {
  if (site === null) return { at: entry, label: "", labels: [] };
  const { at, frame } = site;
  if (!at.file.library || frame === null) return { at, label: "", labels: [] };
  return { at: frame.call, label: `in this call of ${frame.what}`, labels: [{ span: at, text: "here" }] };
}

function refuse(refusal: Refusal, site: (node: ValueId) => Site | null, entry: Span, diagnostics: Diagnostics): void {
  const { reason, node, message, notes, help, related } = refusal;
  const { at, label, labels } = place(site(node), entry);
  const other = related === null ? null : site(related.node);
  const beside = other === null || related === null ? [] : [{ span: other.at, text: related.text }];
  diagnostics.add(
    diagnostic(refusalCodes[reason], at, message, { label, labels: [...labels, ...beside], notes, help }),
  );
}

function warnOfRow(site: Site | null, time: string, entry: Span, diagnostics: Diagnostics): void {
  const { at, label, labels } = place(site, entry);
  const message = `a row whose keys are all masked by a finite number is the mean of all of ${time}`;
  diagnostics.add(
    diagnostic("E0810", at, message, {
      severity: "warning",
      label,
      labels,
      notes: ["in such a row a step gives another result than the whole: later positions count in the whole"],
      help: ["with -inf such a row is zeros in both"],
    }),
  );
}
