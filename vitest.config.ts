import { defineConfig } from "vitest/config";

/** Each project is one room's tests; `npm test` runs them in this order. */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "unit",
          include: [
            "shared/**/*.test.ts",
            "supabase/functions/**/*.test.ts",
            "scripts/**/*.test.ts",
            "web/src/**/*.test.ts",
          ],
          testTimeout: 60_000,
        },
      },
      {
        test: {
          name: "database",
          include: ["supabase/tests/database/**/*.test.ts", "supabase/tests/simulation/**/*.test.ts"],
          globalSetup: ["supabase/tests/support/global-setup.ts"],
          testTimeout: 60_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: "platform",
          include: ["supabase/tests/platform/**/*.test.ts", "supabase/local/**/*.test.ts"],
          globalSetup: ["supabase/tests/support/global-setup.ts"],
          testTimeout: 120_000,
          hookTimeout: 180_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          name: "browser",
          include: ["web/e2e/**/*.test.ts"],
          testTimeout: 120_000,
          hookTimeout: 240_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
