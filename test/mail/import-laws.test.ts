/** Import of what a zone has: the policy that its records come from. */
import { formatPlace } from '#base/place.ts';
import type { Problem } from '#base/problem.ts';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { nameOf } from '#dns/name.ts';
import { newMailState } from '#mail/state.ts';
import { stepMail } from '#mail/step.ts';
import { mailFacts } from '#mail/facts.ts';
import { policyFromZone } from '#mail/import.ts';
import { loadZone } from '#zone/assemble.ts';
import { type ZoneView } from '#zone/view.ts';
import { memoryZone } from '#zone/zone.ts';
import { APEX, BASE, applied, lines, policyOf, START_MS, zoneOf } from '../support/mail/mail-domain.ts';

const codes = (problems: readonly Problem[]) => problems.map(({ severity, code, at }) => `${severity} ${code} ${formatPlace(at)}`);

describe('import', () => {
  /** The policy that the zone's records come from, and what applying it would change. */
  function roundTrip(view: ZoneView) {
    const imported = policyFromZone(view);
    const policy = policyOf(JSON.parse(JSON.stringify(imported.document)), view.apex);
    const step = stepMail({
      domain: view.apex,
      policy,
      state: newMailState(view, view.apex, START_MS),
      view,
      isSigned: true,
      facts: mailFacts(START_MS),
    });
    const before = new Set(
      lines(
        [...view.ascend(view.apexKey)].flatMap((node) => node.rrsets.map((rrset) => ({ owner: node.owner, type: rrset.type, rrset }))),
        view.apex,
      ),
    );
    return { imported, step, isSame: lines(step.changes, view.apex).every((line) => before.has(line)) };
  }

  test('the example zone', () => {
    const apex = nameOf('meridian-post.example');
    const file = join(import.meta.dirname, '../../zones/meridian-post.example.zone');
    const zone = loadZone(readFileSync(file, 'latin1'), { origin: apex, file, signed: true });
    if (!zone.ok) return expect.fail('bad zone');
    const { imported, step } = roundTrip(memoryZone(apex, zone.value));
    // SPF of the names that its hosts say in HELO: no policy of the domain is about them.
    expect(codes(imported.problems)).toEqual(['mx1', 'mx2'].map((host) => `warning MAIL_IMPORT ${host}.meridian-post.example. TXT`));
    expect(codes(step.problems.filter(({ severity }) => severity === 'error'))).toEqual([]);
    expect(step.wantedKeys).toEqual([]);
  });

  const uri = fc.constantFrom('mailto:a@example.com', 'mailto:r%2Cx@reports.example.net', 'mailto:b@other.example');
  const dmarcPolicy = fc.constantFrom('none' as const, 'quarantine' as const, 'reject' as const);
  const ttl = fc.constantFrom('5m', '1h', '90s');
  const documents = fc.record(
    {
      spf: fc.oneof(
        fc.constant({ enabled: false }),
        fc.record({
          mechanisms: fc.uniqueArray(
            fc.constantFrom(
              'mx',
              'a:mail.example.net',
              'ip4:192.0.2.1',
              '?include:_spf.example.net',
              'ip6:2001:db8::/32',
              'exists:%{i}._s.%{d}',
            ),
            { maxLength: 4 },
          ),
          all: fc.constantFrom('-all' as const, '~all' as const, '?all' as const, 'none' as const),
        }),
        fc.constant({ mechanisms: ['mx'], redirect: '_spf.example.net' }),
      ),
      dkim: fc.record({
        algorithms: fc.constant([]),
        external: fc.uniqueArray(
          fc.record({ selector: fc.constantFrom('esp', 'a.b', 'k1'), record: fc.constantFrom('v=DKIM1; p=', 'k=rsa; p='), ttl }),
          { selector: ({ selector }) => selector, maxLength: 2 },
        ),
        delegations: fc.uniqueArray(
          fc.record({ selector: fc.constantFrom('s1', 's2'), target: fc.constantFrom('s.esp.example.', 't.esp.example.'), ttl }),
          {
            selector: ({ selector }) => selector,
            maxLength: 2,
          },
        ),
      }),
      dmarc: fc.oneof(
        fc.constant({ enabled: false }),
        fc.record(
          {
            policy: dmarcPolicy,
            ramp: fc.constant({ enabled: false }),
            sp: dmarcPolicy,
            np: dmarcPolicy,
            adkim: fc.constantFrom('relaxed' as const, 'strict' as const),
            aspf: fc.constantFrom('relaxed' as const, 'strict' as const),
            psd: fc.constantFrom('yes' as const, 'no' as const),
            rua: fc.uniqueArray(uri, { maxLength: 2 }),
            ruf: fc.uniqueArray(uri, { maxLength: 1 }),
            acceptReportsOf: fc.uniqueArray(fc.constantFrom('a.example', 'b.c.example'), { maxLength: 2 }),
          },
          { requiredKeys: ['policy', 'ramp', 'rua'] },
        ),
      ),
      mtaSts: fc.constantFrom(
        { mode: 'off' as const },
        { mode: 'external' as const, id: 'a1' },
        { mode: 'external' as const, target: '_mta-sts.esp.example.' },
      ),
      tlsRpt: fc.record({ rua: fc.uniqueArray(fc.oneof(uri, fc.constant('https://r.example/v1')), { maxLength: 2 }) }),
      dane: fc.constantFrom({}, { hosts: { mx1: { keys: [`3 1 1 ${'01'.repeat(32)}`, `2 1 1 ${'02'.repeat(32)}`] } } }),
      bimi: fc.constantFrom({ decline: true }, { logo: 'https://example.com/l.svg', avatar: 'personal' as const }),
      ttl: fc.record({ spf: ttl, dmarc: ttl, mtaSts: ttl, tlsRpt: ttl, tlsa: ttl, bimi: ttl }),
    },
    { requiredKeys: ['spf', 'dkim', 'dmarc', 'mtaSts', 'tlsRpt'] },
  );

  test('law: the imported policy yields the records that were there', () => {
    fc.assert(
      fc.property(documents, fc.boolean(), (document, hasToken) => {
        const base = zoneOf([...BASE, ...(hasToken ? ['@ 90 TXT "token"'] : [])]);
        const facts = mailFacts(START_MS);
        const step = stepMail({
          domain: APEX,
          policy: policyOf(document),
          state: newMailState(base, APEX, START_MS),
          view: base,
          isSigned: true,
          facts,
        });
        // As if somebody had put them by hand.
        const { imported, step: again, isSame } = roundTrip(applied(base, step.changes, 'manual'));
        expect(imported.problems).toEqual([]);
        expect(lines(again.records)).toEqual(lines(step.records));
        expect(isSame).toBe(true);
        expect(again.problems.filter(({ code }) => code === 'MAIL_CONFLICT')).toEqual([]);
      }),
      { numRuns: 150 },
    );
  });

  test('a lockdown is recognized', () => {
    const base = zoneOf(BASE.filter((line) => !line.includes(' MX ')));
    const step = stepMail({
      domain: APEX,
      policy: policyOf({ profile: 'lockdown' }),
      state: newMailState(base, APEX, START_MS),
      view: base,
      isSigned: true,
      facts: mailFacts(START_MS),
    });
    const { imported, isSame } = roundTrip(applied(base, step.changes, 'manual'));
    expect(imported.document.profile).toEqual(['lockdown']);
    expect(isSame).toBe(true);
  });

  test('what a policy cannot say is told, and stays', () => {
    const view = zoneOf([
      ...BASE,
      '@ 300 TXT "v=spf1 +all"',
      '_dmarc 300 CNAME d.example.net.',
      '_smtp._tls 300 TXT "v=TLSRPTv1;"',
      '*._domainkey 300 TXT "v=DKIM1; k=ed25519; p=igwNU6+qcN75RvA0F7aCuIo1Z5n4SbdQ2a4bT4GlXj8="',
      'two._domainkey 300 TXT "v=DKIM1; p="',
      'two._domainkey 300 TXT "other"',
      '_25._tcp.mx1 300 TLSA 1 1 1 00',
    ]);
    const { imported, step } = roundTrip(view);
    expect(imported.problems.map(({ at }) => formatPlace(at)).toSorted()).toEqual([
      '*._domainkey.example.com. TXT',
      '_25._tcp.mx1.example.com. TLSA',
      '_dmarc.example.com. CNAME',
      '_smtp._tls.example.com. TXT',
      'example.com. TXT',
      'two._domainkey.example.com. TXT',
    ]);
    expect(step.changes).toEqual([]);
  });
});
