/** Contexts of hosts: as many as may be, the newest certificate, new ticket keys every hour, and one host's fault is one host's. */
import { expect, test } from 'vitest';
import { HTTPS_TICKET_KEYS_MS } from '#base/limits/https.ts';
import { ok } from '#base/problem.ts';
import { HostContexts } from '#policy-host/tls/contexts.ts';
import { testPolicyHost } from '../../support/policy-host.ts';

const ZONES = ['one.example', 'two.example', 'three.example'];
const hostOf = (zone: string) => `mta-sts.${zone}`;

async function contextsOf({ countMax = 10, isSelfSigned = true } = {}) {
  const { reader, sealer, addZone } = await testPolicyHost({ zones: ZONES });
  const complaints: string[] = [];
  let nowMs = 0;
  let opened = 0;
  const contexts = new HostContexts({
    ...{ reader, isSelfSigned, countMax, nowMs: () => nowMs },
    sealer: () => {
      opened += 1;
      return ok(sealer);
    },
    complain: (host, text) => void complaints.push(`${host} ${text}`),
  });
  const commit = async (zone: string) => {
    await addZone(zone);
    reader.refresh();
  };
  return { contexts, commit, complaints, made: () => opened, later: (ms: number) => (nowMs += ms) };
}

test('made once, kept while its certificate stays, over generations of the store', async () => {
  const { contexts, made, commit } = await contextsOf();
  const first = contexts.find(hostOf('one.example'));
  expect(first).toBeDefined();
  expect(contexts.find(hostOf('one.example'))).toBe(first);
  await commit('four.example');
  expect(contexts.find(hostOf('one.example'))).toBe(first);
  expect(made()).toBe(1);
  expect(contexts.find(hostOf('four.example'))).toBeDefined();
});

test('another one when its ticket keys are an hour old', async () => {
  const { contexts, later } = await contextsOf();
  const first = contexts.find(hostOf('one.example'));
  later(HTTPS_TICKET_KEYS_MS - 1);
  expect(contexts.find(hostOf('one.example'))).toBe(first);
  later(1);
  const second = contexts.find(hostOf('one.example'));
  expect(second).not.toBe(first);
  expect(contexts.find(hostOf('one.example'))).toBe(second);
  expect(contexts.count).toBe(1);
});

test('no more than may be: the one that was asked for longest ago goes', async () => {
  const { contexts, made } = await contextsOf({ countMax: 2 });
  const [one, two, three] = ZONES.map(hostOf) as [string, string, string];
  contexts.find(one);
  contexts.find(two);
  contexts.find(one);
  contexts.find(three);
  expect(contexts.count).toBe(2);
  contexts.find(one);
  expect(made()).toBe(3);
  contexts.find(two);
  expect(made()).toBe(4);
});

test('a host of no zone, of a zone without one, and one that may not be self-signed: none, and nothing to complain of', async () => {
  const { contexts, complaints } = await contextsOf({ isSelfSigned: false });
  for (const host of ['mta-sts.other.example', 'one.example', hostOf('one.example')]) expect(contexts.find(host)).toBeUndefined();
  expect([contexts.count, complaints]).toEqual([0, []]);
});
