/**
 * The whole of a zone as one answer. A zone of usual size is read in one turn of the event loop; a large one part by
 * part, from one snapshot of the store, as fast as its client takes the parts: no other request waits for it.
 * Not here: what the texts are (admin/v1/zonefile.ts, admin/powerdns/zone.ts).
 */
import { Readable } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { EXPORT_AT_ONCE_NODES_MAX, EXPORT_MS_MAX } from '#base/limits/admin.ts';
import type { Problem } from '#base/problem.ts';
import type { ZoneRecord } from '#store/schema.ts';
import type { HeldView, ZoneView } from '#zone/view.ts';
import type { Asked } from '#admin/http/route.ts';

/** Of a part: what a socket takes at once. */
const PART_CHARACTERS = 65_536;
/** Parts that are made before the client has taken the first. */
const PARTS_AHEAD = 2;

type Requested = Pick<Asked, 'request' | 'reply'>;
/** Read once, in order. */
type TextsOf = (view: ZoneView) => Iterable<string>;

function isLarge({ nodeCount }: ZoneRecord): boolean {
  return nodeCount > EXPORT_AT_ONCE_NODES_MAX;
}

/** Takes a place among those that read a large zone; the problem when there is none. */
export function takeExport({ request, reply }: Requested, zone: ZoneRecord): Problem | undefined {
  return isLarge(zone) ? request.server.budgets.take('exports', request, reply) : undefined;
}

/** What `textsOf` makes of the zone as it is now, as the body of an answer. */
export function wholeZone({ zones }: Asked['control'], zone: ZoneRecord, textsOf: TextsOf): Buffer | Readable {
  if (isLarge(zone)) return slowly(zones.holdShown(zone), textsOf);
  const parts = [...inParts(textsOf(zones.shown(zone)))];
  return parts.length > 1 ? Readable.from(parts) : (parts[0] ?? Buffer.alloc(0));
}

function slowly({ view, release }: HeldView, textsOf: TextsOf): Readable {
  const parts = async function* (): AsyncGenerator<Buffer> {
    for (const part of inParts(textsOf(view))) {
      yield part;
      await turn();
    }
  };
  const stream = Readable.from(parts(), { highWaterMark: PARTS_AHEAD });
  const late = () => void stream.destroy(new Error(`the export took longer than ${EXPORT_MS_MAX / 60_000} minutes`));
  const timer = setTimeout(late, EXPORT_MS_MAX).unref();
  // However it ends: also when its client has gone, or nothing was read of it.
  stream.once('close', () => {
    clearTimeout(timer);
    release();
  });
  return stream;
}

function* inParts(texts: Iterable<string>): Generator<Buffer> {
  let part: string[] = [];
  let characters = 0;
  for (const text of texts) {
    part.push(text);
    characters += text.length;
    if (characters < PART_CHARACTERS) continue;
    yield Buffer.from(part.join(''));
    [part, characters] = [[], 0];
  }
  if (part.length > 0) yield Buffer.from(part.join(''));
}
