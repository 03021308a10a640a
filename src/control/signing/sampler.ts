/**
 * Looks at a few names of a zone, chosen by chance, as they are in the store, by the code that makes no signatures.
 * Not here: the check before anything is published (prepare.ts), what is done with the verdict
 * (control/dnssec/served-sampler.ts).
 */
import { SERVED_SAMPLE_NODES } from '#base/limits/dnssec.ts';
import { formatPlace } from '#base/place.ts';
import { nameOf } from '#dns/name.ts';
import { keyUse } from '#dnssec/key-stage.ts';
import { type FlaggedNode, verifyNodes } from '#dnssec/verify.ts';
import { type ZoneRecord } from '#store/schema.ts';
import { nodeFlags, occlusion } from '#zone/node-flags.ts';
import { type ZoneView } from '#zone/view.ts';

/** What is wrong with the apex, or with names chosen by chance. */
export function sampleZone(
  { name, keys }: Pick<ZoneRecord, 'name' | 'keys'>,
  view: ZoneView,
  nowSeconds: number,
  random: (bytes: number) => Uint8Array,
): { readonly kind: 'bad'; readonly question: string; readonly why: string } | undefined {
  const dnskeys = (isPublished: boolean): Uint8Array[] =>
    keys
      .filter(({ role, state }) => keyUse(role, state).isPublished === isPublished)
      .map(({ dnskey }) => new Uint8Array(Buffer.from(dnskey, 'base64')));
  const options = { nowSeconds, view, unpublished: dnskeys(false) };
  const [first] = verifyNodes(nameOf(name), chosen(view, random), dnskeys(true), options);
  if (first === undefined) return undefined;
  return { kind: 'bad', question: formatPlace(first.at), why: first.message };
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
