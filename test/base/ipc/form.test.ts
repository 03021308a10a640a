/** What a child that was taken over may say: only what has a form of ours passes, and nothing more than its fields. */
import { assert, oneof, property } from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readIpcMessage } from '#base/ipc/form.ts';
import { readCallMessage } from '#base/ipc/calls.ts';
import { LISTENERS_MAX, MESSAGE_SLOTS_MAX, MESSAGE_TEXT_MAX } from '#base/limits/process.ts';
import { HOSTILE_MESSAGES, REAL_MESSAGES, hostileValue } from '../../support/hostile-messages.ts';
import { seedOfRun } from '../../support/random.ts';

const long = 'x'.repeat(MESSAGE_TEXT_MAX + 1);
/** What only the supervisor says; it drops it when a child does (relay.test.ts). */
const FROM_ABOVE = ['start', 'cookie-secrets', 'start-policy-host'];
const many = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, at) => [`slot${at}`, at]));

describe('a message with a form of ours', () => {
  test.each(REAL_MESSAGES)('$kind is itself again', (message) => {
    expect(readIpcMessage(message)).toEqual(message);
  });

  test('fields that it has more are left out, whatever they are for', () => {
    const more = { cmd: 'NODE_HANDLE_ACK', type: 'net.Socket', toString: 1 };
    for (const message of REAL_MESSAGES.filter(({ kind }) => !FROM_ABOVE.includes(kind)))
      expect(readIpcMessage({ ...message, ...more })).toEqual(message);
    const call = { kind: 'request', id: 7, name: 'update', body: 'AQ==' };
    expect(readCallMessage({ ...call, ...more })).toEqual(call);
  });
});

describe('no message of ours', () => {
  const worker = { id: 0, alive: true, generation: 1 };
  test.each<readonly [string, unknown]>([
    ['another kind', { kind: 'toString' }],
    ['a list as kind', { kind: ['hello'], role: 'answer', pid: 1 }],
    ['a role that is none', { kind: 'hello', role: 'supervisor', pid: 1 }],
    ['a pid of 0, which would mean a group', { kind: 'hello', role: 'answer', pid: 0 }],
    ['an exit code that none is', { kind: 'unable', role: 'answer', exitCode: 'x' }],
    ['an exit code of 256, which would be 0', { kind: 'unable', role: 'answer', exitCode: 256 }],
    ['an address with an escape sequence', { kind: 'listening', addresses: ['127.0.0.1:53\u001b[2J'] }],
    ['an address that is a name', { kind: 'listening', addresses: ['ns.example:53'] }],
    ['port 0', { kind: 'hosted', generation: 1, addresses: ['127.0.0.1:0'], startedAtMs: 1 }],
    ['addresses without end', { kind: 'listening', addresses: Array(LISTENERS_MAX + 1).fill('127.0.0.1:53') }],
    ['a generation with a fraction', { kind: 'served', workers: [{ ...worker, generation: 1.5 }] }],
    ['a time past all dates', { kind: 'hosted', generation: 1, addresses: [], startedAtMs: 2 ** 53 - 1 }],
    ['no time', { kind: 'hosted', generation: 1, addresses: [] }],
    ['a generation past 2^53', { kind: 'hosted', generation: 2 ** 53, addresses: [], startedAtMs: 1 }],
    ['a worker below 0', { kind: 'served', workers: [{ ...worker, id: -1 }] }],
    ['a worker without a state', { kind: 'served', workers: [{ id: 0 }] }],
    [
      'one worker twice, which would be counted twice',
      {
        kind: 'counters',
        workers: [
          { id: 0, values: {} },
          { id: 0, values: {} },
        ],
      },
    ],
    ['a count that is text', { kind: 'counters', workers: [{ id: 0, values: { udpQueries: '1' } }] }],
    ['a count below 0', { kind: 'hosted-counters', values: { httpsAccepted: -1 } }],
    ['a count of null, as JSON has infinity', { kind: 'hosted-counters', values: { httpsAccepted: null } }],
    ['a count too large to be added', { kind: 'hosted-counters', values: { httpsAccepted: 1e308 } }],
    ['counters without end', { kind: 'hosted-counters', values: many(MESSAGE_SLOTS_MAX + 1) }],
    ['a list for counters', { kind: 'hosted-counters', values: [1, 2] }],
    ['a selector of a thousand octets', { kind: 'selectors', run: 'a', isFull: false, counts: { [long]: 1 } }],
    ['half a query for a selector', { kind: 'selectors', run: 'a', isFull: false, counts: { 'a._domainkey.example.': 0.5 } }],
    ['interfaces without end', { kind: 'xdp-wanted', interfaces: Array(17).fill('eth0') }],
    ['an interface that is a number', { kind: 'xdp-wanted', interfaces: [1] }],
    ['a run without end', { kind: 'selectors', run: long, isFull: false, counts: {} }],
  ])('%s', (_, value) => {
    expect(readIpcMessage(value)).toBe(undefined);
  });
});

test('of thousands of mutated messages, what passes is finite, bounded, read again as itself, and has no field of another', () => {
  const isSound = (value: unknown): boolean =>
    typeof value === 'number' ? Number.isFinite(value) && value >= 0 : typeof value !== 'string' || value.length <= 3 * MESSAGE_TEXT_MAX;
  const leaves = (value: unknown): unknown[] =>
    typeof value === 'object' && value !== null ? Object.values(value).flatMap(leaves) : [value];
  const passed = new Set<string>();
  assert(
    property(oneof(HOSTILE_MESSAGES, hostileValue()), (value) => {
      const message = readIpcMessage(value);
      const call = readCallMessage(value);
      if (call !== undefined) expect(readCallMessage(JSON.parse(JSON.stringify(call)))).toEqual(call);
      if (message === undefined) return;
      passed.add(message.kind);
      if (!FROM_ABOVE.includes(message.kind)) {
        expect(message).not.toHaveProperty('cmd');
        expect(leaves(message).every(isSound)).toBe(true);
      }
      expect(readIpcMessage(JSON.parse(JSON.stringify(message)))).toEqual(message);
    }),
    { numRuns: 8000, seed: seedOfRun('IPC_SEED') },
  );
  // The mutations are small enough that many pass: the test is about those.
  expect([...passed]).toEqual(
    expect.arrayContaining(['hello', 'served', 'counters', 'selectors', 'hosted', 'hosted-counters', 'listening']),
  );
});
