/** Broken mail records go through with a warning, with every kind of change and with no other. */
import { describe, expect, test } from 'vitest';
import type { RrsetOperation } from '#control/api/control.ts';
import { nameOf } from '#dns/name.ts';
import { MAIL_ZONE_TEXT, good, temporaryControl } from '../../support/temporary-control.ts';

const ZONE = nameOf('post.example');

async function room(text = MAIL_ZONE_TEXT) {
  const made = temporaryControl();
  const loaded = await made.load('post.example', text);
  const change = async (...operations: readonly RrsetOperation[]) =>
    good(await made.run({ kind: 'rrsets.change', zone: ZONE, operations })).warnings.map(({ code }) => code);
  const replace = async (newText: string) => (await made.load('post.example', newText)).warnings.map(({ code }) => code);
  return { ...made, loaded, change, replace };
}

const set = (name: string, type: string, ...records: readonly string[]) => ({ op: 'set', name, type, ttl: 60, records }) as const;
const TWO_SPF = set('@', 'TXT', 'v=spf1 mx -all', 'v=spf1 a -all');

describe('a change', () => {
  test('says what its own records are wrong in', async () => {
    const { change } = await room();
    expect(await change(TWO_SPF)).toEqual(['SPF_MULTIPLE']);
    expect(await change(set('_dmarc', 'TXT', 'v=DMARC1'))).toEqual(['DMARC_POLICY_MISSING']);
    expect(await change(set('@', 'MX', '0 .', '10 mx1'))).toEqual(['MX_NULL']);
    expect(await change(set('host', 'TXT', 'v=spf1 mx –all'))).toEqual(['SPF_CHARACTER']);
  });

  test('and not what was wrong before', async () => {
    const { change } = await room();
    await change(TWO_SPF, set('_dmarc', 'TXT', 'v=DMARC1'));
    expect(await change(set('www', 'A', '192.0.2.80'))).toEqual([]);
    expect(await change(set('other', 'TXT', 'v=spf1 -all'))).toEqual([]);
    // The same again changes nothing and is not told again.
    expect(await change(TWO_SPF)).toEqual([]);
    expect(await change({ op: 'delete', name: '_dmarc', type: 'TXT' })).toEqual([]);
  });

  test('an operation on one record is judged with the others', async () => {
    const { change } = await room();
    expect(await change(set('@', 'TXT', 'v=spf1 mx -all'))).toEqual([]);
    expect(await change({ op: 'add', name: '@', type: 'TXT', records: ['v=spf1 a -all'] })).toEqual(['SPF_MULTIPLE']);
    expect(await change({ op: 'remove', name: '@', type: 'TXT', records: ['v=spf1 a -all'] })).toEqual([]);
  });

  test('undoing one, too', async () => {
    const made = await room();
    await made.change(TWO_SPF);
    const { serial } = good(await made.run({ kind: 'rrsets.change', zone: ZONE, operations: [set('@', 'TXT', 'v=spf1 mx -all')] }));
    const undone = good(await made.run({ kind: 'zone.revert', zone: ZONE, serial }));
    expect(undone.warnings.map(({ code }) => code)).toEqual(['SPF_MULTIPLE']);
  });
});

test('no warning about other records of the name is repeated, of whatever kind', async () => {
  const { change } = await room();
  expect(await change(set('@', 'MX', '10 nowhere'))).toEqual(['TARGET_NO_ADDRESS', 'MAIL_HOSTS_NONE']);
  expect(await change(set('@', 'TXT', 'hello'))).toEqual([]);
  expect(await change(set('@', 'MX', '20 nowhere'))).toEqual(['TARGET_NO_ADDRESS', 'MAIL_HOSTS_NONE']);
});

describe('a zone file', () => {
  const BROKEN = `${MAIL_ZONE_TEXT}@ 60 TXT "v=spf1 mx -all"\n@ 60 TXT "v=spf1 a -all"\n_dmarc 60 TXT v=DMARC1; p=reject\n`;

  test('of a new zone', async () => {
    const { loaded } = await room(BROKEN);
    expect(loaded.warnings.map(({ code }) => code).toSorted()).toEqual(['DMARC_POLICY_MISSING', 'SPF_MULTIPLE', 'TEXT_UNQUOTED']);
    expect(loaded.warnings.every(({ at }) => at.kind === 'file')).toBe(true);
  });

  test('of a zone that has the faults already says only what is new', async () => {
    const { replace } = await room(BROKEN.replace('v=DMARC1; p=reject', '"v=DMARC1"'));
    expect(await replace(`${BROKEN.replace('v=DMARC1; p=reject', '"v=DMARC1"')}www 60 A 192.0.2.80\n`)).toEqual([]);
    const broken = BROKEN.replace('v=DMARC1; p=reject', '"v=DMARC1; p=rejekt"');
    expect(await replace(broken.replace(' 10 7200 ', ' 20 7200 '))).toEqual(['DMARC_POLICY']);
  });
});

describe('a change of hosts that mail records name', () => {
  const RUA = set('_dmarc', 'TXT', 'v=DMARC1; p=none; rua=mailto:r@post.example');

  test('RFC 5321 §5.1: reports to a host that takes no mail any more', async () => {
    const { change } = await room();
    expect(await change(RUA)).toEqual([]);
    expect(await change(set('@', 'MX', '0 .'))).toEqual(['MAIL_REPORT_HOST']);
    // It stood before, and is not told with every change.
    expect(await change(set('www', 'A', '192.0.2.80'))).toEqual([]);
    expect(await change(set('@', 'MX', '10 mx1'))).toEqual([]);
    expect(await change({ op: 'delete', name: 'mx1', type: 'A' })).toEqual(['TARGET_NO_ADDRESS', 'MAIL_REPORT_HOST', 'MAIL_HOSTS_NONE']);
  });

  test('RFC 2181 §10.3: a mail host that becomes an alias, with its TLSA', async () => {
    const { change } = await room();
    expect(await change(set('_25._tcp.mx1.post.example', 'TLSA', `3 1 1 ${'01'.repeat(32)}`))).toEqual([]);
    const alias = [{ op: 'delete', name: 'mx1', type: 'A' }, set('mx1', 'CNAME', 'ns1')] as const;
    expect(await change(...alias)).toEqual(['TARGET_ALIAS', 'MAIL_DANE_HOST']);
  });

  test('both in one change are one warning each', async () => {
    const { change } = await room();
    expect(await change(RUA, set('@', 'MX', '0 .'))).toEqual(['MAIL_REPORT_HOST']);
  });
});
