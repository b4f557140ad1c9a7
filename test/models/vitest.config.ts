import { defineConfig } from "vitest/config";

/** For `npm run test:models`. One model is in memory at a time. */
export default defineConfig({
  test: {
    include: ["test/models/*.models.ts"],
    globalSetup: ["test/support/vulkan-setup.ts"],
    // No test measures time; the limit only ends what hangs.
    testTimeout: 1_800_000,
    hookTimeout: 600_000,
    maxWorkers: 1,
  },
});
