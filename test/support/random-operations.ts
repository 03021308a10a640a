/** Random changes of records below `a.test.`: names that come and go, wildcards, delegations, TTLs, long RRsets. */
import { type RrsetOperation } from '#control/api/control.ts';
import { type Random, pick } from './random.ts';

export function randomOperations(random: Random): RrsetOperation[] {
  const name = `${pick(random, ['a', 'b', 'c', 'x.a', 'y.x.a', '*.w', 'UPPER'])}.a.test.`;
  const octet = Math.floor(random() * 250);
  const texts = Array.from({ length: 1 + (octet % 5) }, (_, at) => `"${at} ${'t'.repeat(octet)}"`);
  const operation = pick(random, [
    { op: 'set', name, type: 'A', ttl: pick(random, [60, 300]), records: [`192.0.2.${octet}`, '192.0.2.251'] },
    { op: 'set', name, type: 'TXT', ttl: 300, records: texts },
    { op: 'set', name, type: 'MX', ttl: 300, records: [`10 mx${octet}.a.test.`] },
    { op: 'set', name: `${octet % 4}.sub.a.test.`, type: 'NS', ttl: 300, records: ['ns.elsewhere.test.'] },
    { op: 'delete', name, type: 'A' },
    { op: 'delete', name, type: 'TXT' },
    { op: 'delete', name: `${octet % 4}.sub.a.test.`, type: 'NS' },
  ] as const satisfies readonly RrsetOperation[]);
  return [operation];
}
