/** RFC 4035 §5, RFC 5155 §8: what this server answers is secure, and is not with anything left out or exchanged. */
import { onTestFinished, describe, expect, test } from 'vitest';
import { Responder } from '#answer/respond.ts';
import { formatName, nameOf } from '#dns/name.ts';
import { typeName } from '#dns/registry.ts';
import { writeQuestion } from '#dns/reply.ts';
import { type SectionRecord, readSections } from '#dns/reply-sections.ts';
import { TYPE } from '#dns/types.ts';
import { DENIAL_KINDS, type DenialKind } from '#dnssec/denial.ts';
import { judgeAnswer } from '#dnssec/answer-judge.ts';
import { openReader } from '#store/reader.ts';
import { good, temporaryControl } from '../support/temporary-control.ts';

const APEX = nameOf('judged.example.');
const TEXT = `
@ 3600 SOA ns1 host 10 7200 900 1209600 900
@ 3600 NS ns1
@ 3600 MX 10 ns1
ns1 7200 A 192.0.2.1
a.b.ent 60 TXT "below empty non-terminals"
*.w 60 TXT "any"
host.w 60 A 192.0.2.2
child 60 NS ns.child
ns.child 60 A 192.0.2.3
alias 60 CNAME ns1
`;
/** What is there, what is not, and what a wildcard stands for. */
const QUESTIONS: readonly (readonly [string, number])[] = [
  ['@', TYPE.SOA],
  ['@', TYPE.MX],
  ['ns1', TYPE.A],
  ['a.b.ent', TYPE.TXT],
  ['*.w', TYPE.TXT],
  ['x.y.w', TYPE.TXT],
  ['alias', TYPE.A],
  ['ns1', TYPE.TXT],
  ['@', TYPE.TXT],
  ['ent', TYPE.A],
  ['b.ent', TYPE.A],
  ['x.w', TYPE.A],
  ['host.w', TYPE.TXT],
  ['child', TYPE.DS],
  ['0', TYPE.A],
  ['zzz', TYPE.A],
  ['q.zzz', TYPE.A],
  ['x.a.b.ent', TYPE.A],
  ['x.ent', TYPE.A],
  ['x.host.w', TYPE.A],
];

async function judge(denial: DenialKind) {
  const room = temporaryControl();
  await room.load(formatName(APEX), TEXT);
  if (denial === 'nsec3') good(await room.run({ kind: 'zone.denial', zone: APEX, denial }));
  const reader = openReader(room.writer.dir);
  onTestFinished(() => reader.close());
  const responder = new Responder(reader);
  const out = new Uint8Array(65_535);
  const nowSeconds = room.clock.nowMs() / 1000;
  const answer = (label: string, type: number) => {
    const name = label === '@' ? APEX : nameOf(`${label}.judged.example.`);
    const query = writeQuestion(1, name, type);
    responder.beginBatch();
    const length = responder.respond(query, query.length, out, 'tcp');
    return { apex: APEX, name, type, rcode: out[3]! & 15, records: readSections(out.slice(0, length))!, nowSeconds };
  };
  const dnskeys = answer('@', TYPE.DNSKEY)
    .records.filter(({ type }) => type === TYPE.DNSKEY)
    .map(({ rdata }) => rdata);
  return (
    label: string,
    type: number,
    change: (records: readonly SectionRecord[]) => readonly SectionRecord[] = (all) => all,
  ) => {
    const asked = answer(label, type);
    return judgeAnswer({ ...asked, records: change(asked.records), dnskeys });
  };
}

describe.each(DENIAL_KINDS)('%s', (denial) => {
  test('what is answered is secure', async () => {
    const verdict = await judge(denial);
    for (const [label, type] of QUESTIONS)
      expect([label, typeName(type), verdict(label, type)]).toEqual([label, typeName(type), undefined]);
  });

  test('without any one of its signatures, or of its proofs, it is not', async () => {
    const verdict = await judge(denial);
    const missed: string[] = [];
    for (const [label, type] of QUESTIONS) {
      const where = `${label} ${typeName(type)}`;
      const count = { records: 0 };
      verdict(label, type, (all) => ((count.records = all.length), all));
      for (let at = 0; at < count.records; at++) {
        let left: SectionRecord | undefined;
        const why = verdict(label, type, (all) => {
          left = all[at]!;
          // A proof goes with its signature; another record of the RRset goes alone.
          const isGone = (each: SectionRecord): boolean =>
            each === left ||
            (left!.type !== TYPE.RRSIG &&
              each.type === TYPE.RRSIG &&
              each.section === left!.section &&
              formatName(each.owner) === formatName(left!.owner));
          return all.filter((each) => !isGone(each));
        });
        // SOA is no proof; the target of an alias is another question.
        const isNeeded =
          left!.type !== TYPE.SOA &&
          !(label === 'alias' && formatName(left!.owner) !== 'alias.judged.example.') &&
          !(left!.section === 'authority' && left!.type === TYPE.NS);
        if (isNeeded && why === undefined) missed.push(`${where} without ${typeName(left!.type)}`);
      }
    }
    expect(missed).toEqual([]);
  });

  test('an answer to another question proves nothing', async () => {
    const verdict = await judge(denial);
    let of: readonly SectionRecord[] = [];
    verdict('0', TYPE.A, (all) => (of = all));
    expect(verdict('zzz', TYPE.A, () => of)).toContain('nothing in the answer proves');
    verdict('ns1', TYPE.A, (all) => (of = all));
    expect(verdict('ns1', TYPE.TXT, () => of)).toContain('nothing in the answer proves');
    verdict('x.y.w', TYPE.TXT, (all) => (of = all.filter(({ section }) => section === 'answer')));
    expect(verdict('x.y.w', TYPE.TXT, () => of)).toContain('comes out of a wildcard');
  });

  test('one octet that is another is found, and signatures that are over', async () => {
    const verdict = await judge(denial);
    const flip = (all: readonly SectionRecord[]) =>
      all.map((each, at) => (at === 0 ? { ...each, rdata: each.rdata.with(-1, each.rdata.at(-1)! ^ 1) } : each));
    expect(verdict('ns1', TYPE.A, flip)).toContain('does not match');
    expect(verdict('ns1', TYPE.A)).toBeUndefined();
  });
});
