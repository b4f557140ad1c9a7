/** What is wrong with a command line, in our own words: the fact, and the nearest name that there is. */
import type { Command, CommanderError } from "commander";
import { type Diagnostic, diagnostic } from "../diagnostics/index.js";
import { nearest } from "../diagnostics/nearest.js";

/** The command that a command line names, or the program itself. */
function commandOf(program: Command, argv: readonly string[]): Command {
  return program.commands.find((command) => argv.includes(command.name())) ?? program;
}

/** The diagnostic of an error that commander found. */
export function usageError(program: Command, error: CommanderError, argv: readonly string[]): Diagnostic {
  const command = commandOf(program, argv);
  const [, quoted = ""] = /'([^']*)'/.exec(error.message) ?? [];
  const seeHelp = `\`${command === program ? "trafo" : `trafo ${command.name()}`} --help\` lists what there is`;
  const near = (word: string, words: readonly string[]) => {
    const found = nearest(word, words);
    return found === null ? seeHelp : `the nearest is ${found}`;
  };
  const say = (message: string, help: string) => diagnostic("E0605", null, message, { help: [help] });
  switch (error.code) {
    case "commander.unknownCommand":
      return say(
        `there is no command ${quoted}`,
        near(
          quoted,
          program.commands.map((each) => each.name()),
        ),
      );
    case "commander.unknownOption": {
      const names = command.options.flatMap((option) => option.long ?? []);
      const flag = quoted.split("=")[0] ?? quoted;
      const where = command === program ? "trafo has" : `trafo ${command.name()} has`;
      return say(`${where} no option ${flag}`, near(flag, names));
    }
    case "commander.missingArgument":
      return say(`trafo ${command.name()} needs ${quoted === "" ? "an argument" : quoted}`, seeHelp);
    case "commander.excessArguments":
      return say(`trafo ${command.name()} is given too many arguments`, seeHelp);
    case "commander.invalidArgument": {
      // `option '--stage <STAGE>' argument 'x' is invalid. Allowed choices are a, b.`
      const [, flags = "", word = "", choices = ""] =
        /option '([^']*)' argument '([^']*)' is invalid\. Allowed choices are (.*)\.$/.exec(error.message) ?? [];
      const name = /--[\w-]+/.exec(flags)?.[0] ?? flags;
      const help = [near(word, choices.split(", "))];
      return diagnostic("E0607", null, `${name} takes ${choices}, but is ${word}`, { help });
    }
    case "commander.optionMissingArgument":
      return say(`the option ${quoted} needs a value`, seeHelp);
    case "commander.missingMandatoryOptionValue":
      return say(`trafo ${command.name()} needs the option ${quoted}`, seeHelp);
    default:
      return say(error.message.replace(/^error: /, "").replace(/\.$/, ""), seeHelp);
  }
}
