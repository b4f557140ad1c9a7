/** The words that generated code may not use as names, by language. */

function words(text: string): readonly string[] {
  return text.trim().split(/\s+/);
}

/** Reserved in modules of JavaScript and TypeScript, or unwise as a name there. */
const javascriptReserved = words(`
  abstract any arguments as async await boolean break case catch class const constructor continue debugger declare
  default delete do else enum eval export extends false finally for from function get if implements import in infer
  instanceof interface is keyof let module namespace never new null number object of package private protected public
  readonly require return satisfies set static string super switch symbol this throw true try type typeof undefined
  unique unknown var void while with yield NaN Infinity
`);

/** Global objects that generated code or its host code uses. */
const javascriptGlobals = words(`
  AbortSignal Array ArrayBuffer BigInt BigInt64Array Blob DataView Error File Float32Array Float64Array Int16Array
  Int32Array Int8Array JSON Map Math Number Object Promise RangeError Response Set String TextDecoder TextEncoder
  TypeError URL Uint16Array Uint32Array Uint8Array WeakMap console crypto fetch globalThis navigator performance process
  self structuredClone window
`);

export const javascriptWords: ReadonlySet<string> = new Set([...javascriptReserved, ...javascriptGlobals]);
