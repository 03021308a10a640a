/** What somebody who looks should see, and when an answer shows it. */
import { describe, expect, test } from 'vitest';
import { nameOf } from '#dns/name.ts';
import { parseRdataText } from '#dns/registry.ts';
import { TYPE } from '#dns/types.ts';
import { judgeAnswer } from '#control/outside/evidence.ts';
import { type RecordExpectation } from '#lifecycle/expectation.ts';
import { type ResolverAnswer } from '#dns/resolver.ts';
import { APEX } from '../../support/mail/mail-domain.ts';

const answer = (type: number, ...texts: string[]): ResolverAnswer => ({
  kind: 'answer',
  ttlSeconds: 300,
  rdatas: texts.flatMap((text) => {
    const rdata = parseRdataText(type, text, APEX);
    return rdata.ok ? [rdata.value] : [];
  }),
});
const wish = (kind: 'record' | 'no-record', type: number, text: string): RecordExpectation => ({
  kind,
  owner: nameOf('x.example.com'),
  type,
  text,
});

describe('an answer shows', () => {
  test.each<[string, number, string, ResolverAnswer, boolean]>([
    ['a text however it is cut', TYPE.TXT, 'v=DKIM1; p=abc', answer(TYPE.TXT, '"v=DKIM1; " "p=abc"'), true],
    ['another text', TYPE.TXT, 'v=DKIM1; p=abc', answer(TYPE.TXT, '"v=DKIM1; p=abd"'), false],
    [
      'a TLSA among others, in any case',
      TYPE.TLSA,
      `3 1 1 ${'AB'.repeat(32)}`,
      answer(TYPE.TLSA, `3 1 1 ${'01'.repeat(32)}`, `3 1 1 ${'ab'.repeat(32)}`),
      true,
    ],
    ['the host of an MX, whatever its preference', TYPE.MX, 'mx1.example.com.', answer(TYPE.MX, '20 MX1', '10 mx2'), true],
    ['that nothing is there', TYPE.TXT, 'x', { kind: 'nxdomain' }, false],
    ['that something else is there', TYPE.TXT, 'x', { kind: 'nodata' }, false],
  ])('%s', (_what, type, text, given, isThere) => {
    expect(judgeAnswer(wish('record', type, text), given, undefined).isGood).toBe(isThere);
    expect(judgeAnswer(wish('no-record', type, text), given, undefined).isGood).toBe(!isThere);
  });

  test.each<ResolverAnswer>([{ kind: 'servfail', reason: 'REFUSED' }, { kind: 'timeout' }])(
    'nothing, when there is none ($kind)',
    (given) => {
      for (const kind of ['record', 'no-record'] as const)
        expect(judgeAnswer(wish(kind, TYPE.TXT, 'x'), given, undefined).isGood).toBe(false);
    },
  );

  test('nothing, when the zone is older than what is looked for (RFC 1982)', () => {
    const gone: RecordExpectation = { ...wish('no-record', TYPE.TXT, 'x'), serial: 5 };
    const results = [undefined, 4, 5, 6, 2 ** 31, 2 ** 31 + 6].map((serial) => judgeAnswer(gone, { kind: 'nodata' }, serial).isGood);
    expect(results).toEqual([false, false, true, true, true, false]);
  });
});
