/** Workers: one for each core, and never more than the answer process takes. */
import { expect, test } from 'vitest';
import { WORKERS_MAX } from '#base/limits/server.ts';
import { loadConfig } from '#config/config.ts';
import { answerSettings } from '#process/answer-settings.ts';
import { bad, good } from '../support/temporary-control.ts';

const load = (workers: string) => loadConfig({ environment: {}, flags: { 'dns.workers': workers }, workingDirectory: '/nowhere' });

test.each([
  ['0', 4, 4],
  ['0', 192, WORKERS_MAX],
  ['3', 192, 3],
  [String(WORKERS_MAX), 1, WORKERS_MAX],
])('dns.workers %s on %i cores: %i workers', (setting, cores, workers) => {
  const config = good(load(setting));
  expect(answerSettings(config, { plain: config.dns.listen }, undefined, {}, cores).workers).toBe(workers);
});

test('more than the answer process takes is no setting', () => {
  expect(bad(load(String(WORKERS_MAX + 1)))[0]).toMatchObject({ code: 'CONFIG_VALUE' });
});
