/** A changeset as lines of text, one for each record: `owner TTL IN TYPE rdata`, all names absolute. */
import { formatName } from '#dns/name.ts';
import { formatRdata, typeName } from '#dns/registry.ts';
import { type Rrset } from '#dns/rrset.ts';
import { type Changeset } from './changeset.ts';

/** The records of an RRset, one line each, without line ends. */
export function formatRrset({ owner, type, ttl, rdatas }: Rrset): string[] {
  const name = formatName(owner);
  return rdatas.map((rdata) => `${name} ${ttl} IN ${typeName(type)} ${formatRdata(type, rdata)}`);
}

export interface ChangesetLines {
  readonly fromSerial: number;
  readonly toSerial: number;
  readonly deleted: readonly string[];
  readonly added: readonly string[];
  /** Lines left out of both lists. */
  readonly omitted: number;
}

/** Both lists as lines, at most `linesMax` of each; only those are formatted. */
export function changesetLines({ fromSerial, toSerial, deleted, added }: Changeset, linesMax: number): ChangesetLines {
  const [gone, goneOmitted] = firstLines(deleted, linesMax);
  const [come, comeOmitted] = firstLines(added, linesMax);
  return { fromSerial, toSerial, deleted: gone, added: come, omitted: goneOmitted + comeOmitted };
}

function firstLines(rrsets: readonly Rrset[], linesMax: number): [lines: string[], omitted: number] {
  const lines: string[] = [];
  let omitted = 0;
  for (const rrset of rrsets) {
    const linesLeft = linesMax - lines.length;
    if (linesLeft > 0) lines.push(...formatRrset({ ...rrset, rdatas: rrset.rdatas.slice(0, linesLeft) }));
    omitted += Math.max(0, rrset.rdatas.length - linesLeft);
  }
  return [lines, omitted];
}

/** For people: `- ` before each deleted record, `+ ` before each added one. */
export function formatChangeset({ deleted, added }: Changeset): string[] {
  const marked = (mark: string, rrsets: readonly Rrset[]): string[] =>
    rrsets.flatMap((rrset) => formatRrset(rrset)).map((line) => `${mark} ${line}`);
  return [...marked('-', deleted), ...marked('+', added)];
}
