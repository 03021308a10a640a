/** `/v1/backups`: for administrators alone; what it answers while a backup is made, and when none can be. */
import { expect, test } from 'vitest';
import { bench } from '../../../support/admin/bench.ts';
import { exampleServer } from '../../../support/admin/example-server.ts';
import { backupsRoutes } from '#admin/v1/backups/backups.ts';

test('made, and listed with what an operator needs to know; no answer has a key', async () => {
  const server = await exampleServer();
  const [list, create] = backupsRoutes;
  const made = await server.send(create!);
  expect(made.statusCode).toBe(201);
  expect(made.json()).toMatchObject({ backup: { own: true, scheduled: false, kekFiles: [server.writer.kekFile()] } });
  const listed = await server.send(list!);
  expect(listed.json()).toMatchObject({ backups: [{ zoneCount: server.writer.zones().length }], bad: [] });
  expect(listed.json()).not.toHaveProperty('runningSince');
  expect((await server.send(create!, '?dryRun=1')).json()).toMatchObject({ dryRun: true });
});

test('one that takes longer than its request is answered 202; a token of one zone is turned away', async () => {
  const { app, tokens } = await bench();
  const ask = (token: string) =>
    app.inject({ method: 'POST', url: '/v1/backups', payload: {}, headers: { authorization: `Bearer ${token}` } });
  expect((await ask(tokens.admin)).statusCode).toBe(202);
  expect((await ask(tokens.zone)).statusCode).toBe(403);
});
