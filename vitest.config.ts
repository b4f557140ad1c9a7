import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: ["test/support/vulkan-setup.ts"],
    // No test measures time; the limit only ends what hangs, on machines that are busy as well.
    testTimeout: 180_000,
    hookTimeout: 180_000,
    // A worker for each core is enough: some tests start processes of their own.
    maxWorkers: "100%",
  },
});
