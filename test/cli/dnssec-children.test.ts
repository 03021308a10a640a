/** `waxseal dnssec children`: what is shown, and what is sent. */
import { expect, test } from 'vitest';
import { ok } from '#base/problem.ts';
import { type Command } from '#control/api/control.ts';
import { useServer } from '../support/cli-server.ts';

const server = useServer();

test('a zone that keeps its DS by hand, and one whose children are looked at', async () => {
  const show = () => server.cli('dnssec', 'children', 'show', 'example.com');
  expect(await show()).toMatchObject({ exit: 0, out: 'example.com. keeps its DS records by hand\n' });
  const settings = { target: 'ns.example.com.', port: 53, servers: [] };
  const text = 'b.ns.example 192.0.2.2 does not answer';
  const children = [{ child: 'kid.example.com.', outcome: 'held', text, lookedAtMs: 0, nextAtMs: 5000 }];
  Object.assign(server.control, { delegation: { view: () => ({ settings, children }) } });
  const { out } = await show();
  expect(out).toContain('DS records of example.com. follow CDS; NOTIFY(CDS) goes to ns.example.com. port 53\n');
  expect(out).toMatch(/kid\.example\.com\. +held +1970-01-01T00:00:00\.000Z +b\.ns\.example 192\.0\.2\.2 does not answer/);
});

test('on or off, one of them', async () => {
  const sent: Command[] = [];
  const changeset = { fromSerial: 1, toSerial: 2, deleted: [], added: [], omitted: 0 };
  const outcome = { zone: 'example.com.', serial: 2, revision: 2, changed: true, created: false, changeset, warnings: [] };
  const run = (command: Command) => {
    sent.push(command);
    return Promise.resolve(ok({ ...outcome, dryRun: false }));
  };
  Object.assign(server.control, { run });
  const set = (...words: readonly string[]) => server.cli('dnssec', 'children', 'set', 'example.com', ...words);
  expect(await set()).toMatchObject({ exit: 2, err: expect.stringContaining('give --on or --off') as string });
  const words = ['--on', '--port', '5359', '--child-server', '192.0.2.1', '--child-server', '[2001:db8::1]:53'];
  expect((await set(...words)).err).toBe('');
  expect((await set('--off')).err).toBe('');
  expect(sent).toMatchObject([
    { kind: 'delegation.set', isOn: true, port: 5359, servers: ['192.0.2.1', '[2001:db8::1]:53'] },
    { kind: 'delegation.set', isOn: false },
  ]);
});
