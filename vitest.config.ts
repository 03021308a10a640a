import { configDefaults, defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

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
  'test/control/import/import-process.test.ts',
  'test/control/search/index-process.test.ts',
  'test/control/mta-sts-evidence.test.ts',
  'test/control/outside/dns-stream.test.ts',
  'test/control/outside/https-probe.test.ts',
  'test/control/outside/https-request.test.ts',
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
  'test/server/tls/**',
  'test/server/worker-pool.test.ts',
  // Network namespaces of their own.
  'test/scenarios/xdp.test.ts',
  'test/server/udp/xdp-batch.test.ts',
  'test/server/udp/xdp-interface.test.ts',
  'test/server/udp/xdp-network.test.ts',
  'test/server/udp/xdp-open.test.ts',
  'test/server/udp/xdp-service.test.ts',
  // A year of rotations, and thousands of random zones.
  'test/laws/answer.test.ts',
  'test/laws/year-of-rotations.test.ts',
];

/** Floods would take the cores from whatever runs beside them. */
const ALONE = ['test/e2e/attacks.test.ts'];

/** Most of their time they wait for TTLs, looks and a CA: more of them at a time than there are cores. */
export const WAITING = [
  'test/e2e/acme.test.ts',
  'test/e2e/dane.test.ts',
  'test/e2e/dane-acme-clients.test.ts',
  'test/e2e/mta-sts-clients.test.ts',
  'test/e2e/story.test.ts',
  'test/e2e/dnssec-rolls.test.ts',
  'test/e2e/dot.test.ts',
  'test/e2e/key-moves.test.ts',
  'test/e2e/mail-readers.test.ts',
  'test/e2e/recipes.test.ts',
  'test/e2e/secondary-losses.test.ts',
  'test/e2e/serials.test.ts',
  'test/e2e/update.test.ts',
  'test/e2e/xot.test.ts',
];

/** They take longest, longest first: one that began last would run alone at the end, beside an idle core. */
export const LONGEST = [
  'test/e2e/dnssec-rolls.test.ts',
  'test/e2e/package.test.ts',
  'test/e2e/differential.test.ts',
  'test/e2e/processes.test.ts',
  'test/e2e/mail-readers.test.ts',
  'test/e2e/cli.test.ts',
  'test/e2e/signers.test.ts',
  'test/e2e/bench-smoke.test.ts',
];

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    // By project and group, and what is not listed as always: by the times of the last run, or by size.
    const usual = await super.sort(files);
    const placeOf = ({ moduleId }: TestSpecification) => LONGEST.findIndex((each) => moduleId.endsWith(`/${each}`)) + 1 || Infinity;
    const groupOf = ({ project }: TestSpecification) => project.config.sequence.groupOrder;
    return usual.toSorted((a, b) => groupOf(a) - groupOf(b) || (placeOf(a) === placeOf(b) ? 0 : placeOf(a) - placeOf(b)));
  }
}

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
    sequence: { sequencer: LongestFirst },
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
          exclude: [...never, ...ALONE, ...WAITING],
          // Servers start and clients wait: two files leave a third of the cores idle.
          maxWorkers: 3,
          sequence: { groupOrder: 1 },
        },
      },
      { extends: true, test: { name: 'waiting', include: WAITING, maxWorkers: 4, sequence: { groupOrder: 2 } } },
      { extends: true, test: { name: 'alone', include: ALONE, sequence: { groupOrder: 3 } } },
    ],
  },
});
