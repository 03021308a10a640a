/** Which lines about lives the routes of one subject show: those of its own machines. */
import { expect, test } from 'vitest';
import { mailBench, MAIL_POLICY } from '../../../support/admin/mail-bench.ts';

interface Status {
  readonly lives: readonly { readonly machine: string; readonly lines: readonly string[] }[];
}

test.each([
  ['mta-sts', ['mta-sts', 'mta-sts-body', 'mta-sts-host']],
  ['dmarc', ['dmarc']],
])('%s: %j', async (path, machines) => {
  const { call } = await mailBench({ ...MAIL_POLICY, mtaSts: { mode: 'testing' } });
  const { lives } = (await call('GET', 'mail/status')).body as unknown as Status;
  const own = lives.filter(({ machine }) => machines.includes(machine));
  expect(new Set(own.map(({ machine }) => machine))).toEqual(new Set(machines));
  expect((await call('GET', path)).body['lines']).toEqual(own.flatMap(({ lines }) => lines));
});
