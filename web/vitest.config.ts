import { defineConfig } from "vitest/config";

export default defineConfig({
  server: { fs: { allow: [".", "../schema"] } },
  test: { testTimeout: 60_000, environment: "jsdom", include: ["tests/*.test.{ts,tsx}"], restoreMocks: true },
});
