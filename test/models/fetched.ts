/** Published models for tests, or why there are none. */
import { FetchError, fetchModel } from "../../examples/fetch-model.mjs";

export interface Fetched {
  readonly folder: string;
  readonly weights: string;
}

/** A model, fetched if it is not there; null where it cannot be had, which is said. */
export async function fetched(name: string): Promise<Fetched | null> {
  const say = (line: string) => console.log(line);
  try {
    return await fetchModel(name, say);
  } catch (error) {
    if (!(error instanceof FetchError)) throw error;
    if (process.env.CI) throw error;
    say(`the tests of ${name} do not run: ${error.message}`);
    return null;
  }
}
