/** `waxseal tlsa`: what is printed, and the exit codes of a look. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DANE_HOST, daneHouse, recordFor } from '../support/mail/dane-house.ts';
import { type Pair, type ThrowawayCa, throwawayCa } from '../support/throwaway-ca.ts';

let ca: ThrowawayCa;
let pair: Pair;
beforeAll(() => {
  ca = throwawayCa();
  pair = ca.leaf([DANE_HOST], { to: '20491231000000Z' });
});
afterAll(() => ca.remove());

describe('tlsa list --live', () => {
  test('is a row for each host, address and record, and a verdict for each host', async () => {
    const { cli } = await daneHouse(pair);
    const { exit, out, err } = await cli('tlsa', 'list', 'post.example', '--live');
    expect({ exit, err }).toEqual({ exit: 0, err: '' });
    const record = recordFor(pair.cert);
    expect(out.split('\n').map((line) => line.replaceAll(/ {2,}/g, ' | '))).toEqual([
      'HOST | ADDRESS | OBJECT | STAGE | RECORD | MATCHES',
      `mx1.post.example.:25 | 127.0.0.1 | tlsa-mx1-1 | current | ${record.slice(0, 18)}…${record.slice(-8)} | certificate 0 (CN=${DANE_HOST}, until 2049-12-31)`,
      'mx1.post.example.:25 match: 127.0.0.1 presents a certificate that tlsa-mx1-1 matches',
      '',
    ]);
  });

  test('exit code 6: a host presents nothing that matches', async () => {
    const { cli, mx } = await daneHouse(pair);
    mx.present(ca.leaf([DANE_HOST]));
    const { exit, out, err } = await cli('tlsa', 'list', 'post.example', '--live');
    expect(exit).toBe(6);
    expect(out).toContain('no-match: 127.0.0.1 presents the key ');
    expect(err).toContain('no TLSA record matches what mx1.post.example.:25 presents, and senders that go by DANE do not deliver there');
    const json = await cli('tlsa', 'list', 'post.example', '--live', '--json');
    expect(json.exit).toBe(6);
    expect(JSON.parse(json.out)).toMatchObject({ hosts: [{ verdict: 'no-match' }] });
  });

  test('exit code 7: nothing could be seen', async () => {
    const { cli } = await daneHouse(pair, { table: {} });
    const { exit, out, err } = await cli('tlsa', 'list', 'post.example', '--live', '--host', 'mx1');
    expect({ exit, out }).toEqual({ exit: 7, out: `mx1.post.example.:25 unseen: DNS: ${DANE_HOST} does not exist\n` });
    expect(err).toContain('nothing was seen of mx1.post.example.:25');
  });

  test('exit code 4: the configuration says that no look is made; 2: --host alone', async () => {
    const { cli } = await daneHouse(pair, { isLooking: false });
    expect(await cli('tlsa', 'list', 'post.example', '--live')).toMatchObject({
      exit: 4,
      err: expect.stringContaining('mail.starttls_probe'),
    });
    expect((await cli('tlsa', 'list', 'post.example', '--host', 'mx1')).exit).toBe(2);
    expect((await cli('tlsa', 'list', 'post.example')).out).toContain('tlsa-mx1-1');
  });
});
