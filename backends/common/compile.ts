/** The JavaScript and the declarations of a module, file by file and without checking types. */
import { ts } from "ts-morph";
import { InternalError } from "../../src/diagnostics/index.js";
import { eraseTypes } from "./erase.js";
import { type Script, sourceMapOf } from "./script.js";

export interface CompiledModule {
  readonly javascript: string;
  readonly declarations: string;
  readonly sourceMap: string;
}

/** The text without its types. */
export function scriptOf(text: string): Script {
  return { text, script: eraseTypes(ts, ts.createSourceFile("module.ts", text, ts.ScriptTarget.ES2022)) };
}

/**
 * @param name the module's file without its ending
 * @param declared what the declarations are made of: of the text, at least all that is exported
 */
export function compileModule(name: string, module: Script, declared: string): CompiledModule {
  const declarations = ts.transpileDeclaration(declared, {
    fileName: `${name}.ts`,
    compilerOptions: {
      target: ts.ScriptTarget.ES2022,
      module: ts.ModuleKind.ESNext,
      isolatedDeclarations: true,
      declaration: true,
    },
    reportDiagnostics: true,
  });
  const problems = declarations.diagnostics ?? [];
  if (problems.length > 0) {
    const messages = problems.map((each) => ts.flattenDiagnosticMessageText(each.messageText, "\n"));
    throw new InternalError(`the module ${name}.ts does not compile: ${messages.join("; ")}`, declared);
  }
  return {
    javascript: `${module.script.text}\n//# sourceMappingURL=${name}.js.map`,
    declarations: declarations.outputText,
    sourceMap: sourceMapOf(name, module),
  };
}
