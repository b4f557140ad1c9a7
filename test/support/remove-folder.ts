import { rmSync } from "node:fs";
import { setTimeout as wait } from "node:timers/promises";

/**
 * Removes a temporary folder in which processes that were just ended may still write for a moment. It looks anew each time,
 * which retries of rmSync do not: they fail, after 20 seconds, for a file that came after the first look.
 */
export async function removeFolder(folder: string): Promise<void> {
  for (let tries = 0; tries < 10; tries++) {
    try {
      return rmSync(folder, { recursive: true, force: true });
    } catch {
      await wait(50);
    }
  }
}
