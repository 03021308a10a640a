import { configDefaults, defineConfig } from 'vitest/config';

/**
 * What `npm run test:unit` leaves out: files that start processes, need programs of other projects, or run for long. Everything else is in it,
 * and test/unit.test.ts keeps it so. `npm test` runs all.
 */
export const NOT_UNIT = [
  // waxseal as its users run it, and its processes one by one.
  'test/e2e/**',
  'test/process/**',
  'test/**/*processes.test.ts',
  'test/server/answer-service.test.ts',
  // Programs of other projects judge, or make the certificates.
  'test/**/*judges.test.ts',
  'test/control/mta-sts-evidence.test.ts',
  'test/control/outside/mta-sts-probe.test.ts',
  'test/control/outside/mta-sts-request.test.ts',
  'test/control/outside/starttls.test.ts',
  'test/control/outside/starttls-look.test.ts',
  'test/mail/dane/live.test.ts',
  'test/mail/dane/match.test.ts',
  'test/control/mail/dane-upkeep.test.ts',
  'test/control/mail/live-tlsa.test.ts',
  'test/admin/v1/mail/tlsa-live.test.ts',
  'test/cli/tlsa.test.ts',
  'test/cli/cert-deploy-hook.test.ts',
  // Real threads and connections, held to times and amounts.
  'test/server/tcp/limits.test.ts',
  'test/server/worker-pool.test.ts',
  // A year of rotations, and thousands of random zones.
  'test/laws/answer.test.ts',
  'test/laws/year-of-rotations.test.ts',
];

/** Floods would take the cores from whatever runs beside them. */
const ALONE = ['test/e2e/attacks.test.ts'];

const ALL = 'test/**/*.test.ts';
const never = configDefaults.exclude;

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
        // The files of a worker share what they import: a third of the time. So a test gives back what it changes in a module or the process.
        test: { name: 'unit', include: [ALL], exclude: [...never, ...NOT_UNIT], isolate: false, sequence: { groupOrder: 0 } },
      },
      {
        extends: true,
        test: {
          name: 'long',
          include: NOT_UNIT.map((glob) => glob.replace(/\*\*$/, '**/*.test.ts')),
          exclude: [...never, ...ALONE],
          sequence: { groupOrder: 1 },
        },
      },
      { extends: true, test: { name: 'alone', include: ALONE, sequence: { groupOrder: 2 } } },
    ],
  },
});
