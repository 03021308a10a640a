/** `waxseal dnssec roll --emergency`: what it leads to is shown before the question, and nothing is done without a yes. */
import { expect, test } from 'vitest';
import { ok } from '#base/problem.ts';
import { type Command, type RunOptions } from '#control/api/control.ts';
import { useServer } from '../support/cli-server.ts';

const server = useServer();

test('without an operator and --yes nothing is rolled; with it, or in a dry run, it is', async () => {
  const { control } = server;
  const run = (command: Command, options: RunOptions) => {
    control.commands.push({ command, options });
    const changeset = { fromSerial: 1, toSerial: 1, deleted: [], added: [], omitted: 0 };
    const outcome = { zone: 'example.com.', serial: 1, revision: 1, changed: true, created: false, changeset, warnings: [] };
    return Promise.resolve(ok({ ...outcome, dryRun: options.dryRun, consequences: ['SERVFAIL until noon'] }));
  };
  Object.assign(control, { run });
  const refused = await server.cli('dnssec', 'roll', 'example.com', '--role', 'ksk', '--emergency', 'now');
  expect(refused).toMatchObject({ exit: 2, out: '' });
  expect(refused.err).toContain('roll the KSK of example.com and break its chain of trust for that time: this asks first');
  expect(refused.err).toContain('- SERVFAIL until noon\n');
  expect(control.commands.slice(1).map(({ options }) => options.dryRun)).toEqual([true]);
  const done = await server.cli('dnssec', 'roll', 'example.com', '--emergency', '--yes');
  expect(done).toMatchObject({ exit: 0, out: expect.stringContaining('Consequences:\n  SERVFAIL until noon\n') });
  expect(control.commands.at(-1)!.command).toMatchObject({ kind: 'dnssec.roll', role: 'csk', emergency: 'safe' });
  expect(await server.cli('dnssec', 'roll', 'example.com', '--emergency', 'soon', '--yes')).toMatchObject({ exit: 1 });
});
