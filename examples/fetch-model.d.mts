/** What TypeScript uses of fetch-model.mjs. */
export const published: Readonly<Record<string, { readonly package: string; readonly about: string }>>;
export class FetchError extends Error {}
export function fetchModel(
  name: string,
  say?: (line: string) => void,
): Promise<{ readonly folder: string; readonly weights: string }>;
