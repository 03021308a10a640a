import { defineConfig } from 'vitest/config';

// Two cores: two workers. Tests that drive real processes get their time from `testTimeout`; nothing may wait for ever.
export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 300_000,
    hookTimeout: 300_000,
    reporters: ['default'],
  },
});
