/** A policy proposed from any zone is accepted by `mail apply`, changes nothing for those who read the records, and hides none of them. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatPlace } from '#base/place.ts';
import { placeOfRrset } from '#dns/place.ts';
import { formatName, nameOf } from '#dns/name.ts';
import { TYPE, type RrType } from '#dns/types.ts';
import { meansSame } from '#mail/same-record.ts';
import { txtText } from '#mail/text/txt.ts';
import { type NodeRrset, type ZoneNode, type ZoneView } from '#zone/view.ts';
import { REAL_OUTSIDE, realZones } from '../support/mail/real-zones.ts';
import { good, temporaryControl } from '../support/temporary-control.ts';

const ZONE = nameOf('post.example.');
const RECORD_TYPES: ReadonlySet<RrType> = new Set([TYPE.TXT, TYPE.CNAME, TYPE.NS, TYPE.MX, TYPE.A, TYPE.TLSA]);

interface Held extends NodeRrset {
  readonly node: ZoneNode;
  readonly place: string;
}

/** What people wrote into the zone, by place. */
function recordsOf(view: ZoneView): Map<string, Held> {
  const found = new Map<string, Held>();
  for (const node of view.ascend(view.apexKey))
    for (const rrset of node.rrsets) {
      const place = formatPlace(placeOfRrset(node.owner, rrset.type));
      if (RECORD_TYPES.has(rrset.type)) found.set(place, { ...rrset, node, place });
    }
  return found;
}

/** By what those who read mail records look for, told without the code that proposes. */
function isOfMail({ node, type, rdatas }: Held): boolean {
  const owner = formatName(node.owner);
  if (/^_25\._tcp\./.test(owner)) return type === TYPE.TLSA || type === TYPE.CNAME;
  if (/(?:^|\.)_(?:domainkey|dmarc|mta-sts|tls|bimi)\./.test(owner)) return type !== TYPE.A;
  return type === TYPE.TXT && rdatas.some((rdata) => /^v=spf1(?: |$)/i.test(txtText(rdata)));
}

function isSame(before: Held, after: Held): boolean {
  if (before.type !== TYPE.TXT) return JSON.stringify(before.rdatas) === JSON.stringify(after.rdatas);
  const left = after.rdatas.map(txtText);
  for (const text of before.rdatas.map(txtText)) {
    const at = left.findIndex((each) => meansSame(before.node.owner, text, each));
    if (at < 0) return false;
    left.splice(at, 1);
  }
  return left.length === 0;
}

test('law: a proposal that only keeps what stands is accepted, and every mail record is in it or named as left out', async () => {
  const room = temporaryControl({ sources: [], outside: REAL_OUTSIDE });
  const look = () => recordsOf(room.control.zones.view(room.control.zones.find(ZONE)!));
  await fc.assert(
    fc.asyncProperty(realZones, fc.boolean(), async (lines, dnssec) => {
      await room.load('post.example.', `${lines.join('\n')}\n`, { dnssec });
      const before = look();
      const { document, problems } = await room.control.mail.proposal(room.control.zones.find(ZONE)!);
      const { warnings } = good(await room.run({ kind: 'mail.apply', zone: ZONE, policy: JSON.parse(JSON.stringify(document)) }));
      const after = look();
      // A logo in the policy waits for DMARC, and says so.
      const waits = warnings.some(({ code }) => code.startsWith('BIMI_')) ? ['default._bimi.post.example. TXT'] : [];
      const named = new Set([...problems.map(({ at }) => formatPlace(at)), ...waits]);
      expect([...after.keys()].filter((place) => !before.has(place))).toEqual([]);
      for (const each of before.values()) {
        const now = after.get(each.place);
        if (now === undefined || !isSame(each, now)) expect.fail(`${each.place} is changed`);
        if (isOfMail(each) && now.manager !== 'mail' && !named.has(each.place)) expect.fail(`${each.place} is hidden`);
      }
      good(await room.run({ kind: 'zone.remove', zone: ZONE }));
    }),
    { numRuns: 150 },
  );
});
