/** Who asks for one check: each question once, some at a time, none past the most and none after the end. */
import { expect, test } from 'vitest';
import { ipPort } from '#base/address.ts';
import { CHECK_QUESTIONS_AT_ONCE, CHECK_QUESTIONS_MAX } from '#base/limits/outside.ts';
import { type CheckClientOptions, checkClient } from '#control/doctor/client.ts';
import { nameOf } from '#dns/name.ts';
import { type ResolverAnswer } from '#dns/resolver.ts';
import { TYPE } from '#dns/types.ts';

const NODATA: ResolverAnswer = { kind: 'nodata' };
const silent = () => new Promise<never>(() => {});

function client(more: Partial<CheckClientOptions> = {}) {
  const ends = new AbortController();
  const asked = { count: 0, open: 0, most: 0 };
  const lookup = async (): Promise<ResolverAnswer> => {
    asked.count += 1;
    asked.most = Math.max(asked.most, ++asked.open);
    await new Promise((resolve) => setImmediate(resolve));
    asked.open -= 1;
    return NODATA;
  };
  const made = checkClient({ resolver: { lookup }, askUdp: silent, askTcp: silent, signal: ends.signal, ...more });
  return { ...made, ends, asked };
}
const name = (at: number) => nameOf(`n${at}.example.`);

test('the same question is asked once, whatever the case of its name; others are others', async () => {
  const { resolver, asked } = client();
  const names = [nameOf('a.example.'), nameOf('A.example.')];
  await Promise.all(names.flatMap((each) => [resolver.lookup(each, TYPE.A), resolver.lookup(each, TYPE.AAAA)]));
  expect(asked.count).toBe(2);
});

test('so many at a time', async () => {
  const { resolver, asked } = client();
  await Promise.all(Array.from({ length: 100 }, (_, at) => resolver.lookup(name(at), TYPE.A)));
  expect([asked.count, asked.most]).toEqual([100, CHECK_QUESTIONS_AT_ONCE]);
});

test('past the most no question is asked, and the answer says so', async () => {
  const { resolver, asked } = client();
  const all = Array.from({ length: CHECK_QUESTIONS_MAX + 1 }, (_, at) => resolver.lookup(name(at), TYPE.A));
  expect((await Promise.all(all)).at(-1)).toMatchObject({
    kind: 'timeout',
    reason: expect.stringContaining('more than'),
  });
  expect(asked.count).toBe(CHECK_QUESTIONS_MAX);
});

test('what hangs ends with the check, and what waits behind it is not asked any more', async () => {
  const { askUdp, askTcp, within, ends } = client();
  const server = ipPort('192.0.2.1', 53);
  const open = Array.from({ length: CHECK_QUESTIONS_AT_ONCE + 1 }, (_, at) => askUdp(server, name(at), TYPE.A));
  const other = within(silent, 'late');
  ends.abort();
  expect(await Promise.all([...open, askTcp(server, name(0), TYPE.A)])).toEqual(
    Array.from({ length: CHECK_QUESTIONS_AT_ONCE + 2 }, () => ({ failure: 'the time for this check was over' })),
  );
  expect(await other).toBe('late');
});
