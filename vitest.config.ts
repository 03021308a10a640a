import { configDefaults, defineConfig } from 'vitest/config';

/** Files that measure how soon others are answered: they have the machine to themselves, after all the rest. */
const ALONE = ['test/e2e/attacks.test.ts'];

// Two cores: two workers. Tests that drive real processes get their time from `testTimeout`; nothing may wait for ever.
export default defineConfig({
  test: {
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 300_000,
    hookTimeout: 300_000,
    reporters: ['default'],
    projects: [
      {
        extends: true,
        test: {
          name: 'side by side',
          include: ['test/**/*.test.ts'],
          exclude: [...configDefaults.exclude, ...ALONE],
          sequence: { groupOrder: 0 },
        },
      },
      { extends: true, test: { name: 'alone', include: ALONE, sequence: { groupOrder: 1 } } },
    ],
  },
});
