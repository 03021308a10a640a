/**
 * Checks what is served for as long as the server runs: a few names of a few zones, chosen by chance, read from the
 * store as the answer process reads it, and validated by the code that makes no signatures.
 * Not here: the check before anything is published (prepare.ts).
 */
import { SERVED_SAMPLE_NODES, SERVED_SAMPLE_ZONES } from '#base/limits/dnssec.ts';
import { toSeconds } from '#base/clock.ts';
import { atZone, formatPlace } from '#base/place.ts';
import { type Problem, problem } from '#base/problem.ts';
import { nameOf } from '#dns/name.ts';
import { keyUse } from '#dnssec/key-stage.ts';
import { type FlaggedNode, verifyNodes } from '#dnssec/verify.ts';
import { type ZoneRecord } from '#store/schema.ts';
import { type StoreWriter } from '#store/writer.ts';
import { nodeFlags, occlusion } from '#zone/node-flags.ts';
import { type ZoneView } from '#zone/view.ts';

export interface SamplerOptions {
  readonly writer: StoreWriter;
  readonly random: (bytes: number) => Uint8Array;
  /** The true time as well as it is known. */
  readonly nowMs: () => number;
  readonly alert: (zone: string, problems: readonly Problem[]) => Promise<void>;
}

/** Each call checks a few; of a zone it alerts once, until what is checked of it is good. */
export function servedSampler({ writer, random, nowMs, alert }: SamplerOptions): () => Promise<void> {
  const alerted = new Set<string>();
  const below = (count: number): number => Buffer.from(random(4)).readUInt32BE() % count;
  return async () => {
    const signed = writer.zones().filter(({ dnssec, presigned }) => dnssec === 'on' && presigned === undefined);
    for (let left = Math.min(SERVED_SAMPLE_ZONES, signed.length); left > 0; left--) {
      const record = signed.splice(below(signed.length), 1)[0]!;
      const found = sampleZone(record, writer.view(record), toSeconds(nowMs()), random);
      if (found === undefined) alerted.delete(record.name);
      else if (!alerted.has(record.name)) {
        alerted.add(record.name);
        await alert(record.name, [found]);
      }
    }
  };
}

/** What is wrong with the apex, or with names chosen by chance. */
export function sampleZone(
  { name, keys }: Pick<ZoneRecord, 'name' | 'keys'>,
  view: ZoneView,
  nowSeconds: number,
  random: (bytes: number) => Uint8Array,
): Problem | undefined {
  const dnskeys = (isPublished: boolean): Uint8Array[] =>
    keys
      .filter(({ role, state }) => keyUse(role, state).isPublished === isPublished)
      .map(({ dnskey }) => new Uint8Array(Buffer.from(dnskey, 'base64')));
  const options = { nowSeconds, view, unpublished: dnskeys(false) };
  const [first] = verifyNodes(nameOf(name), chosen(view, random), dnskeys(true), options);
  if (first === undefined) return undefined;
  const why = `${formatPlace(first.at)} is served as it must not be: ${first.message}`;
  return problem('DNSSEC_SERVED', atZone(name), why, {
    fix: 'look at the log and at `waxseal zone export --signed`; a backup has the zone as it was',
  });
}

function chosen(view: ZoneView, random: (bytes: number) => Uint8Array): FlaggedNode[] {
  const isBelow = occlusion(view);
  const flagged = (node: FlaggedNode['node']): FlaggedNode => ({
    node,
    flags: nodeFlags(node, view.apexKey, isBelow(node.key)),
  });
  const nodes: FlaggedNode[] = [];
  const apex = view.node(view.apexKey);
  if (apex !== undefined) nodes.push(flagged(apex));
  for (let left = SERVED_SAMPLE_NODES; left > 0; left--) {
    const letter = String.fromCharCode(0x30 + (random(1)[0]! % 0x4b));
    for (const node of view.ascend(view.apexKey + letter)) {
      nodes.push(flagged(node));
      break;
    }
  }
  return nodes;
}
