/** Messages as a child of the supervisor that was taken over may send them: real ones, real ones with something changed, and whatever JSON has. */
import { type Arbitrary, constantFrom, jsonValue, nat, oneof, tuple } from 'fast-check';
import { type IpcMessage } from '#base/ipc/messages.ts';

const WORKERS = [
  { id: 0, alive: true, generation: 4 },
  { id: 1, alive: false, generation: 0 },
];

export const REAL_MESSAGES: readonly IpcMessage[] = [
  { kind: 'hello', role: 'answer', pid: 4711 },
  { kind: 'gone', role: 'control' },
  { kind: 'dropped', role: 'answer', count: 3 },
  { kind: 'alive' },
  { kind: 'unable', role: 'answer', exitCode: 78 },
  { kind: 'start', settings: { storeDir: '/tmp/s', listen: ['127.0.0.1:53'], workers: 2, udp: 'auto' } },
  { kind: 'cookie-secrets', secrets: ['00'] },
  {
    kind: 'start-policy-host',
    settings: { storeDir: '/tmp/s', listen: ['[::1]:443'], keyFile: '/tmp/k', isSelfSigned: false, isAccessLogged: true },
  },
  { kind: 'generation', generation: 12 },
  { kind: 'listening', addresses: ['127.0.0.1:5300', '[::1]:5300'] },
  { kind: 'ready', role: 'answer' },
  { kind: 'served', workers: WORKERS },
  {
    kind: 'counters',
    workers: [
      { id: 0, values: { udpQueries: 5, 'rcode.NOERROR': 4 } },
      { id: 1, values: {} },
    ],
  },
  { kind: 'counters-wanted' },
  { kind: 'xdp-wanted', interfaces: ['eth0', 'eth1'] },
  { kind: 'selectors', run: 'b7', isFull: false, counts: { 's1._domainkey.example.': 9 } },
  { kind: 'hosted', generation: 9, addresses: ['127.0.0.1:8443'], startedAtMs: 1 },
  { kind: 'hosted-counters', values: { httpsAccepted: 2, httpsSecondsSum: 0.25 } },
];

/** Values that programs stumble over. */
const ODD = [
  ...[null, true, false, '', '0', '\u001b[31m', '\u0000', '__proto__', 'NODE_HANDLE', '127.0.0.1:53', '::', 'control', 'answer'],
  ...[-1, -0, 0, 0.5, 1, 255, 256, 2 ** 31, 2 ** 32, 2 ** 53 - 1, 2 ** 53, 1e300, -1e300],
  ...[[], {}, [[]], [null], { id: 0 }, { kind: 'hello' }, 'x'.repeat(2000)],
];

export function hostileValue(): Arbitrary<unknown> {
  return oneof(constantFrom<unknown>(...ODD), jsonValue({ maxDepth: 3 }));
}

const FIELDS = [
  'kind',
  'role',
  'pid',
  'cmd',
  'type',
  'workers',
  'values',
  'counts',
  'addresses',
  'generation',
  'id',
  'body',
  'name',
  'why',
  'peer',
];
const CALLS = [
  { kind: 'request', id: 5, name: 'tls-rpt.posted', body: 'e30=' },
  { kind: 'reply', id: 5, body: 'AQ==' },
  { kind: 'reply', id: 6, why: 'gone' },
];

/** The value at one place of `value`, chosen by `pick`, is replaced. */
function changed(value: unknown, pick: number, by: unknown): unknown {
  if (typeof value !== 'object' || value === null || Object.keys(value).length === 0 || pick % 5 === 4) return by;
  const entries = Object.entries(value);
  const at = pick % entries.length;
  const all = entries.map(([name, each], n) => [name, n === at ? changed(each, Math.floor(pick / 5), by) : each] as const);
  return Array.isArray(value) ? all.map(([, each]) => each) : Object.fromEntries(all);
}

/** A real message or call with one place changed, a field more or a field less, as JSON carries it. */
export const HOSTILE_MESSAGES: Arbitrary<unknown> = tuple(
  constantFrom<object>(...REAL_MESSAGES, ...CALLS),
  nat(),
  hostileValue(),
  constantFrom(...FIELDS),
  nat(3),
)
  .map(([real, pick, odd, field, how]) => {
    if (how === 0) return { ...real, [field]: odd };
    if (how === 1) return Object.fromEntries(Object.entries(real).filter(([name]) => name !== field));
    return changed(real, pick, odd);
  })
  .map((value) => JSON.parse(JSON.stringify(value)) as unknown);
