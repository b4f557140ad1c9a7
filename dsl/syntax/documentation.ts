/** Comments that document a declaration. */
import type { SourceFile } from "../../src/diagnostics/index.js";

/**
 * The comment lines directly above the declaration that begins at `start`, without their `#`; null if there are none,
 * or if the declaration does not begin its line.
 */
export function documentationAbove(file: SourceFile, start: number): string | null {
  const { line, column } = file.position(start);
  if (
    /\S/.test(
      file
        .line(line)
        .slice(0, column - 1)
        .replace("\uFEFF", ""),
    )
  )
    return null;
  const lines: string[] = [];
  for (let above = line - 1; above >= 1; above--) {
    // No string goes over lines, so a line that begins with # is a comment.
    const match = /^[ \t\uFEFF]*# ?(.*)$/.exec(file.line(above));
    if (!match) break;
    lines.unshift(match[1]!.trimEnd());
  }
  return lines.length > 0 ? lines.join("\n") : null;
}
