import { configDefaults, defineConfig } from "vitest/config";
import { apartFiles, LongestFirst, longFiles } from "./test/support/longest-first.js";

const project = {
  // No test measures time; the limit only ends what hangs, on machines that are busy as well.
  testTimeout: 600_000,
  hookTimeout: 600_000,
  expect: { poll: { timeout: 600_000 } },
  // A compilation makes much that does not live for long, and is over before most functions are worth optimizing, as
  // src/cli/short-run.mjs says.
  execArgv: ["--min-semi-space-size=64", "--max-semi-space-size=64", "--interrupt-budget=400000"],
};

export default defineConfig({
  test: {
    globalSetup: ["test/support/vulkan-setup.ts"],
    // A worker for each core is enough: some tests start processes of their own.
    maxWorkers: "100%",
    sequence: { sequencer: LongestFirst },
    projects: [
      // What long ones compile and load would fill the memory of a process that they share.
      { test: { ...project, name: "apart", include: [...longFiles, ...apartFiles], isolate: true } },
      // Loading the compiler takes longer than most of these, so that they share what has loaded it.
      {
        test: {
          ...project,
          name: "together",
          include: ["test/**/*.test.ts"],
          exclude: [...configDefaults.exclude, ...longFiles, ...apartFiles],
          isolate: false,
        },
      },
    ],
  },
});
