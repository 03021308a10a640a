/** `waxseal catalog`: what is sent, and what is shown. */
import { expect, test } from 'vitest';
import { ok } from '#base/problem.ts';
import { type Command } from '#control/api/control.ts';
import { useServer } from '../support/cli-server.ts';

const server = useServer();

test('create, add with groups, remove after a yes', async () => {
  const sent: Command[] = [];
  const changeset = { fromSerial: 1, toSerial: 2, deleted: [], added: [], omitted: 0 };
  const outcome = { zone: 'catalog.example.', serial: 2, revision: 2, changed: true, created: false, changeset, warnings: [] };
  const run = (command: Command) => {
    sent.push(command);
    return Promise.resolve(ok({ ...outcome, dryRun: false }));
  };
  Object.assign(server.control, { run });
  expect((await server.cli('catalog', 'create', 'catalog.example')).err).toBe('');
  expect((await server.cli('catalog', 'add', 'catalog.example', 'a.example', '--group', 'one', 'two')).err).toBe('');
  expect(await server.cli('catalog', 'remove', 'catalog.example', 'a.example')).toMatchObject({
    err: expect.stringContaining('servers that follow the catalog stop serving the zone') as string,
  });
  expect((await server.cli('catalog', 'remove', 'catalog.example', 'a.example', '--yes')).err).toBe('');
  expect(sent).toMatchObject([{ kind: 'catalog.create' }, { kind: 'catalog.add', groups: ['one', 'two'] }, { kind: 'catalog.remove' }]);
});

test('lists of catalogs, and of the members of one by name', async () => {
  const member = (zone: string, label: string, ...groups: string[]) => ({ zone, label, groups });
  const members = [member('b.example.', '1-1', 'one', 'two'), member('a.example.', '2-1')];
  const record = { ...server.control.zones.list()[0]!, name: 'catalog.example.', serial: 7 };
  const catalogs = { list: () => [record], members: () => ok(members) };
  Object.assign(server.control, { transfer: { ...server.control.transfer, catalogs } });
  expect((await server.cli('catalog', 'list')).out).toMatch(/CATALOG +ROLE +SERIAL +CHANGED\ncatalog\.example\. +kept here +7 /);
  const { out } = await server.cli('catalog', 'list', 'catalog.example');
  expect(out).toMatch(/a\.example\. +- +- +2-1\nb\.example\. +one, two +- +1-1/);
  expect((await server.cli('catalog', 'list', 'catalog.example', '--json')).out).toContain('"groups": [');
});
