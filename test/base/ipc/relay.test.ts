/** Who hears what: a child that was taken over can say nothing in another's name, and nothing that only the supervisor says. */
import { expect, test } from 'vitest';
import { type IpcMessage, peersOf, receiversOf } from '#base/ipc/messages.ts';

const GENERATION: IpcMessage = { kind: 'generation', generation: 1 };
const SERVED: IpcMessage = { kind: 'served', workers: [] };
const HOSTED: IpcMessage = { kind: 'hosted', generation: 1, addresses: [], startedAtMs: 1 };

test('control talks to both others, and they to control', () => {
  expect(peersOf('control')).toEqual(['answer', 'policy-host']);
  expect(peersOf('answer')).toEqual(['control']);
  expect(peersOf('policy-host')).toEqual(['control']);
  expect(receiversOf('control', GENERATION)).toEqual(['answer', 'policy-host']);
  expect(receiversOf('answer', SERVED)).toEqual(['control']);
  expect(receiversOf('policy-host', HOSTED)).toEqual(['control']);
  expect(receiversOf('policy-host', { kind: 'hello', role: 'policy-host', pid: 1 })).toEqual(['control']);
});

test('no child says what another one says', () => {
  expect(receiversOf('policy-host', GENERATION)).toEqual([]);
  expect(receiversOf('policy-host', SERVED)).toEqual([]);
  expect(receiversOf('answer', HOSTED)).toEqual([]);
  expect(receiversOf('policy-host', { kind: 'ready', role: 'answer' })).toEqual([]);
  expect(receiversOf('policy-host', { kind: 'hello', role: 'control', pid: 1 })).toEqual([]);
});

test('nobody hears what only the supervisor says', () => {
  expect(receiversOf('control', { kind: 'gone', role: 'control' })).toEqual([]);
  expect(receiversOf('control', { kind: 'store-held' })).toEqual([]);
  const settings = { storeDir: '', listen: [], keyFile: '', isSelfSigned: true, isAccessLogged: true };
  expect(receiversOf('policy-host', { kind: 'start-policy-host', settings })).toEqual([]);
});
