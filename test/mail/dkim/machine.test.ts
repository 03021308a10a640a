/** The life of a DKIM key as data: which stage follows which, and what each step waits for. */
import { describe, expect, test } from 'vitest';
import { DKIM_MACHINE } from '#mail/dkim/machine.ts';

const transition = (from: string, to: string) => DKIM_MACHINE.transitions.find((each) => each.from === from && each.to === to);
const waits = (from: string, to: string) => transition(from, to)?.waits.map(({ id }) => id);
const wait = (from: string, to: string, id: string) => transition(from, to)?.waits.find((each) => each.id === id);

describe('RFC 6376 §5.2: publish before signing', () => {
  test('every name server shows the record before the caches are waited for', () => {
    expect(waits('published', 'visible')).toEqual(['visible']);
    expect(wait('published', 'visible', 'visible')).toMatchObject({ kind: 'gate', places: 'servers' });
  });

  test('RFC 2308 §5: no cache says any more that the selector does not exist', () =>
    expect(wait('visible', 'active', 'negative-ttl')).toMatchObject({ kind: 'time', terms: ['negativeTtl'] }));

  test('the only way into use leads through both', () => {
    expect(DKIM_MACHINE.transitions.filter(({ to }) => to === 'active').map(({ from }) => from)).toEqual(['visible']);
    expect(DKIM_MACHINE.transitions.filter(({ to }) => to === 'visible').map(({ from }) => from)).toEqual(['published']);
  });

  test('one key of a kind signs; the one before it retires in the same step', () =>
    expect(DKIM_MACHINE.singular).toEqual({ stage: 'active', displaced: 'retiring' }));
});

describe('RFC 6376 §3.1: the old key stays as long as its mail is under way', () => {
  test('signers acknowledge first, then the time counts, then strangers are looked at', () =>
    expect(waits('retiring', 'revoked')).toEqual(['switched', 'queue-life', 'unasked', 'unreported', 'revocation']));

  test('RFC 5321 §4.5.4.1: queue life, what signers lag, and the TTL, from the acknowledgement on', () => {
    const queue = wait('retiring', 'revoked', 'queue-life');
    expect(queue).toMatchObject({ kind: 'time', since: 'switched' });
    expect(queue?.kind === 'time' && queue.terms).toEqual(expect.arrayContaining(['queueLife', 'signerLag', 'recordTtl']));
  });

  test('queries of strangers cannot hold it for ever', () =>
    expect(wait('retiring', 'revoked', 'unasked')).toMatchObject({
      kind: 'gate',
      after: 'queue-life',
      patience: expect.arrayContaining(['queueLife']),
    }));

  test('§3.6.1: a key that signed is shown as revoked before it goes', () => {
    expect(
      DKIM_MACHINE.transitions
        .filter(({ to }) => to === 'removed')
        .map(({ from }) => from)
        .toSorted(),
    ).toEqual(['generated', 'published', 'visible', 'revoked', 'compromised'].toSorted());
    for (const from of ['revoked', 'compromised']) expect(waits(from, 'removed')).toEqual(['revoked-for']);
  });
});

test.each(['published', 'visible', 'active', 'retiring'])('a compromised key is withdrawn from %s at once, by order', (from) =>
  expect(DKIM_MACHINE.transitions).toContainEqual({ from, to: 'compromised', waits: [], by: 'order' }),
);
