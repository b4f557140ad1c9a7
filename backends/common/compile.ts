/** The JavaScript and the declarations of a module, by the TypeScript compiler, file by file and without checking. */
import { ts } from "ts-morph";
import { InternalError } from "../../src/diagnostics/index.js";

const options: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2022,
  module: ts.ModuleKind.ESNext,
  isolatedDeclarations: true,
  declaration: true,
};

export interface CompiledModule {
  readonly javascript: string;
  readonly declarations: string;
  readonly sourceMap: string;
}

/**
 * @param name the module's file without its ending
 * @param declared what the declarations are made of: of the text, at least all that is exported
 */
export function compileModule(name: string, text: string, declared: string): CompiledModule {
  const fileName = `${name}.ts`;
  const script = ts.transpileModule(text, {
    fileName,
    compilerOptions: {
      ...options,
      isolatedDeclarations: false,
      declaration: false,
      sourceMap: true,
      inlineSources: true,
    },
    reportDiagnostics: true,
  });
  const declarations = ts.transpileDeclaration(declared, {
    fileName,
    compilerOptions: options,
    reportDiagnostics: true,
  });
  const problems = [...(script.diagnostics ?? []), ...(declarations.diagnostics ?? [])];
  if (problems.length > 0 || script.sourceMapText === undefined) {
    const messages = problems.map((each) => ts.flattenDiagnosticMessageText(each.messageText, "\n"));
    throw new InternalError(`the module ${fileName} does not compile: ${messages.join("; ")}`, text);
  }
  return { javascript: script.outputText, declarations: declarations.outputText, sourceMap: script.sourceMapText };
}
