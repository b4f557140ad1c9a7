/**
 * Vectors that a loop computes and that live across calls behind it.
 *
 * V8 spills what lives across a call where it is defined, and a sum is defined in its loop: it would be stored in every
 * turn, which doubles the time of a product with GELU. Made anew of itself behind the loop, it is stored there, once.
 */
import { type Code, type FunctionCode, get, type Local, type LoopCode, op, partsOf, set } from "./tree.js";

export function withSumsBehindLoops(code: FunctionCode): FunctionCode {
  return { ...code, body: inBlock(code.body) };
}

function inBlock(body: readonly Code[]): readonly Code[] {
  return body.flatMap((each, at) => {
    const inner = inside(each);
    const rest = body.slice(at + 1);
    if (each.kind !== "loop" || !rest.some(holdsCall)) return [inner];
    const read = new Set(rest.flatMap((code) => [...localsReadBy(code)]));
    const again = vectorsSetIn(each).filter((local) => read.has(local));
    return [inner, ...again.map((local) => set(local, op("v128.or", [get(local), get(local)])))];
  });
}

function inside(code: Code): Code {
  if (code.kind === "loop") return { ...code, body: inBlock(code.body) };
  if (code.kind === "if") return { ...code, body: inBlock(code.body), otherwise: inBlock(code.otherwise) };
  return code;
}

/** The vectors that a loop sets itself, each once. */
function vectorsSetIn({ body }: LoopCode): readonly Local[] {
  const found = body.flatMap((each) =>
    each.kind === "plain" && each.name === "local.set" && each.local?.type === "v128" ? [each.local] : [],
  );
  return [...new Set(found)];
}

function holdsCall(code: Code): boolean {
  return code.kind === "call" || partsOf(code).some(holdsCall);
}

function localsReadBy(code: Code): ReadonlySet<Local> {
  const found = new Set(partsOf(code).flatMap((each) => [...localsReadBy(each)]));
  if (code.kind === "plain" && code.name === "local.get") found.add(code.local!);
  return found;
}
