/** The reference of the family E06 files and the command line. */
import { entries } from "./entry.js";

export const files = entries({
  E0601: {
    title: "a file cannot be read",
    text: "A file that the command line, an import or an option names is missing, or the system refuses to open it. Paths on the command line count from the current folder, the paths of imports from the importing file.",
    wrong: "trafo check gtp2.trafo",
    right: "trafo check gpt2.trafo",
  },
  E0602: {
    title: "a folder stands where a file is needed",
    text: "The path names a folder. Name the file in it; a shell expands `models/*.trafo` to all files of a folder.",
    wrong: "trafo check models",
    right: "trafo check models/gpt2.trafo",
  },
  E0603: {
    title: "a file is empty",
    text: "The file holds no text. A program needs at least a model with one entry.",
  },
  E0604: {
    title: "a file cannot be written",
    text: "The folder cannot be made or the file in it cannot be written. Nothing is left half written: a file takes its place only when it is complete.",
    wrong: "trafo compile gpt2.trafo --target typescript -o /read-only",
    right: "trafo compile gpt2.trafo --target typescript -o out",
  },
  E0605: {
    title: "an unknown command, option or argument",
    text: "`trafo --help` lists the commands, `trafo COMMAND --help` the options of one with an example. The exit status is 2.",
    wrong: "trafo chek gpt2.trafo",
    right: "trafo check gpt2.trafo",
  },
  E0606: {
    title: "an unknown target",
    text: "A target is what a program is compiled for or run on. The message lists those that there are; `--target all` is every target that this machine can run. The exit status is 2.",
    wrong: "trafo compile gpt2.trafo --target javascript -o out",
    right: "trafo compile gpt2.trafo --target typescript -o out",
  },
  E0607: {
    title: "an option's value does not have its form",
    text: "`--set` takes NAME=VALUE with a number, true, false, a word or a list such as [1,2]; `--size` takes sizes such as B=1,T=16; `--input` takes NAME=[[1,2,3]]; `--tile` takes rows and columns such as 3x4; `--diff` takes the name of a pass, or all; `--tolerance` takes a number.",
    wrong: "trafo check gpt2.trafo --set width:64",
    right: "trafo check gpt2.trafo --set width=64",
  },
  E0608: {
    title: "a model has no entry of this name",
    text: "`--entry` names one of the entries that the model declares. The message lists them.",
    wrong: "trafo run gpt2.trafo --entry forwards --random-weights --size B=1,T=4",
    right: "trafo run gpt2.trafo --entry forward --random-weights --size B=1,T=4",
  },
  E0609: {
    title: "an unknown diagnostic",
    text: "`trafo explain` takes the code that stands in brackets after `error` or `warning`.",
    wrong: "trafo explain E9999",
    right: "trafo explain E0601",
  },
  E0610: {
    title: "options that need each other or exclude each other",
    text: "Running, and writing an ONNX model, needs weights: `--checkpoint DIR` or `--random-weights`, not both. Running needs inputs: `--inputs`, `--input` or `--size`. `--tile` says how matrix products are scheduled, and `--no-schedule` that they are not; the target onnx has no kernels to schedule.",
    wrong: "trafo run gpt2.trafo --size B=1,T=4",
    right: "trafo run gpt2.trafo --size B=1,T=4 --random-weights",
  },
  E0611: {
    title: "a size is unknown or outside its bounds",
    text: "`--size` names the sizes that an entry's types declare, such as B and T in `i32[B, T <= context]`, and each value lies between 0 and the declared bound, and is a multiple of what the entry says divides it.",
    wrong: "trafo run gpt2.trafo --random-weights --size B=1,T=5000",
    right: "trafo run gpt2.trafo --random-weights --size B=1,T=64",
  },
  E0612: {
    title: "a picture cannot be drawn",
    text: "The ending of the output decides the form: .dot is text for Graphviz, .svg and .png are drawn by the Graphviz that comes with Trafo, .html is a page to look around in; the chart of memory is no graph, and has no .dot. `--focus` names a layer that the model has. A picture of very many nodes may be more than Graphviz can lay out.",
    wrong: "trafo graph gpt2.trafo -o gpt2.jpg",
    right: "trafo graph gpt2.trafo -o gpt2.svg",
  },
  E0613: {
    title: "a file is not in canonical layout",
    text: "`trafo fmt --check` changes nothing; it names every file that `trafo fmt` would change, for use before a commit.",
    wrong: "trafo fmt --check model.trafo",
    right: "trafo fmt model.trafo",
  },
  E0690: {
    title: "a dump that does not parse",
    text: "A file that holds Graphs, Kernels or Plans in their text form, as `--dump-after` prints it, breaks the syntax of dumps or a rule of what it holds. In a Graph types must be the ones that Trafo infers, sizes are declared behind the inputs, and a value stands before its use. In a Kernel every access must be proven to lie in its buffer.",
    wrong: "graph @f(%x: f32[T]) sizes { T: 0..8 } {\n  %1 = exp %x : f32[8]\n  return %1 as y\n}",
    right: "graph @f(%x: f32[T]) sizes { T: 0..8 } {\n  %1 = exp %x : f32[T]\n  return %1 as y\n}",
  },
  E0614: {
    title: "a file declares no model",
    text: "Compiling, running and drawing need a model with an entry. A file of blocks and functions can be checked, formatted and imported.",
    wrong: "trafo run blocks.trafo --random-weights --size B=1,T=4",
    right: "trafo check blocks.trafo",
  },
  E0616: {
    title: "a dump does not hold what is asked for",
    text: "A command can start from what `--dump-after` printed, and goes on from there. What stands before that place is gone: a dump has no static arguments to set, and one of kernels or of a plan has no Graphs, which the interpreter, pictures of Graphs and costs need. Kernels that are scheduled, and plans, are for one target, which the first line of the dump says.",
    wrong:
      "trafo compile gpt2.trafo --dump-after plan > gpt2.plan\ntrafo run gpt2.plan --checkpoint DIR --target interpreter --input 'input_ids=[[1]]'",
    right: "trafo run gpt2.plan --checkpoint DIR --target typescript --input 'input_ids=[[1]]'",
  },
  E0615: {
    title: "there is not enough memory",
    text: "The weights, or a run of the sizes that were asked for, take more memory than this machine gives to one program. Memory grows with the batch, and with the square of the length where a model attends to all positions.",
    wrong: "trafo run gpt2.trafo --random-weights --size B=100000,T=1024",
    right: "trafo run gpt2.trafo --random-weights --size B=1,T=1024",
  },
});
