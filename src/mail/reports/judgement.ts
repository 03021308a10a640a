/**
 * How the sources that send mail of a domain stand, by what reports say: which are known, which are in the way of a
 * stricter policy, and which the operator must decide on.
 *
 * - *known*: some of its mail is aligned, SPF of the domain names its address, or the operator says that it is ours.
 * - *undecided*: it authenticates itself as another domain, and it is large and steady. It may be a source of ours that
 *   was never set up, or a stranger's; the ramp waits until the operator says which.
 * - *unknown*: all others. They may be forgers, whom the ramp is there to stop: they hold nothing up.
 * - *not ours*: the operator says so. It holds nothing up, whatever it sends.
 * Implements: RFC 9989 §7.4 (reports before a stricter policy).
 * Not here: counts (dmarc-book.ts), the ramp (mail/dmarc/ramp.ts).
 */
import {
  DMARC_ALIGNED_SHARE_MIN,
  REPORT_SOURCES_TOLD_MAX,
  SOURCE_MESSAGES_PER_DAY_MIN,
  SOURCE_SHARE_MIN,
  UNDECIDED_DAYS_MIN,
  UNDECIDED_MESSAGES_MIN,
  UNDECIDED_SHARE_MIN,
} from '#base/limits/reports.ts';
import { type DmarcBook, type SourceDay, isKnownSource } from './dmarc-book.ts';
import { type SourceKind } from './source.ts';

export type Standing = 'known' | 'undecided' | 'unknown' | 'not-ours';

/** The mail of one source. */
export interface SourceShare {
  readonly name: string;
  readonly kind: SourceKind;
  /** Its only address, where it has one. */
  readonly address?: string;
  /** Without those that were forwarded and broke on the way. */
  readonly messages: number;
  readonly aligned: number;
  /** Days on which it was seen. */
  readonly days: number;
  readonly standing: Standing;
  /** The next step of the ramp waits for it. */
  readonly isHolding: boolean;
}

export interface Judgement {
  /** Those that hold the next step up first, then known ones, then the others; most mail first. */
  readonly sources: readonly SourceShare[];
  /** Of all known sources, also those that are not kept one by one. */
  readonly known: Share;
  /** Known sources that are not kept one by one. */
  readonly rest: Share;
  /** Messages of unknown sources that are not kept one by one. */
  readonly unknownRest: number;
  /** Too little of all known mail together is aligned, though each source may be small. */
  readonly isShort: boolean;
}

interface Share {
  readonly messages: number;
  readonly aligned: number;
}

export interface Verdict {
  readonly isGood: boolean;
  readonly text: string;
}

interface Sum extends Share, Pick<SourceDay, 'name' | 'kind' | 'address'> {
  readonly days: number;
  readonly isKnown: boolean;
}

/** Every source since `firstDay`. `isOurs`: SPF of the domain names the address now. */
export function judgeSources(book: DmarcBook, firstDay: number, isOurs: (address: string) => boolean): Judgement {
  const counted = book.days.filter(({ day }) => day >= firstDay);
  const sums = sumSources(
    counted.flatMap(({ sources }) => sources),
    isKnownSource(book.declared),
    isOurs,
  );
  const rejected = new Set(book.declared.filter((each) => !each.isOurs).map(({ name }) => name));
  const isKnown = ({ name, isKnown: hasProof }: Sum) => hasProof && !rejected.has(name);
  const rest = sumShares(counted.map((each) => each.rest.known));
  // Of known sources alone: a flood of forgeries must not make them look small.
  const known = sumShares([rest, ...sums.filter(isKnown)]);
  const many = Math.min(SOURCE_SHARE_MIN * known.messages, SOURCE_MESSAGES_PER_DAY_MIN * counted.length);
  const standingOf = (each: Sum): Standing => {
    if (rejected.has(each.name)) return 'not-ours';
    if (each.isKnown) return 'known';
    return isUndecided(each, many, known.messages) ? 'undecided' : 'unknown';
  };
  const sources = sums.map((each): SourceShare => {
    const { isKnown: _isKnown, ...share } = each;
    const standing = standingOf(each);
    const isHolding = standing === 'undecided' || (standing === 'known' && each.messages >= many && isBelow(each));
    return { ...share, standing, isHolding };
  });
  return {
    sources: sources.toSorted((a, b) => Number(b.isHolding) - Number(a.isHolding) || rank(a) - rank(b) || b.messages - a.messages),
    known,
    rest,
    unknownRest: counted.reduce((total, each) => total + each.rest.unknown.messages, 0),
    isShort: isBelow(known),
  };
}

function rank({ standing }: SourceShare): number {
  return standing === 'known' ? 0 : 1;
}

function isBelow({ messages, aligned }: Share): boolean {
  return aligned < DMARC_ALIGNED_SHARE_MIN * messages;
}

/** A network alone proves nothing: forgers have those. A domain that verifies has an owner who can be asked. */
function isUndecided({ kind, messages, days }: Sum, many: number, knownMessages: number): boolean {
  if (kind !== 'domain' || messages < UNDECIDED_MESSAGES_MIN || messages < many) return false;
  return days >= UNDECIDED_DAYS_MIN || messages >= UNDECIDED_SHARE_MIN * knownMessages;
}

function sumSources(sources: readonly SourceDay[], isKnown: (source: SourceDay) => boolean, isOurs: (address: string) => boolean): Sum[] {
  const sums = new Map<string, Sum>();
  for (const each of sources) {
    const { name, kind, address, messages, aligned, forwarded } = each;
    const before = sums.get(name);
    const isSameAddress = before === undefined || before.address === address;
    const isNamed = address !== undefined && isOurs(address);
    sums.set(name, {
      name,
      kind,
      ...(address !== undefined && isSameAddress ? { address } : {}),
      messages: (before?.messages ?? 0) + messages - forwarded,
      aligned: (before?.aligned ?? 0) + aligned,
      days: (before?.days ?? 0) + (messages > forwarded ? 1 : 0),
      isKnown: before?.isKnown === true || isKnown(each) || isNamed,
    });
  }
  return [...sums.values()].filter(({ messages }) => messages > 0);
}

function sumShares(shares: readonly Share[]): Share {
  return {
    messages: shares.reduce((total, each) => total + each.messages, 0),
    aligned: shares.reduce((total, each) => total + each.aligned, 0),
  };
}

/** Whether the mail of every known source is aligned and every large one decided on, and what is in the way. */
export function alignedVerdict({ sources, known, unknownRest, isShort }: Judgement): Verdict {
  const holding = sources.filter(({ isHolding }) => isHolding);
  const failing = holding.filter(({ standing }) => standing === 'known');
  const undecided = holding.filter(({ standing }) => standing === 'undecided');
  const strangers = sources.filter(({ standing }) => standing === 'unknown');
  const strange = strangers.reduce((sum, { messages }) => sum + messages, unknownRest);
  const others = strange === 0 ? '' : `; not waited for: ${strange} messages of unknown sources`;
  const all = `${known.aligned} of ${known.messages} messages of known sources aligned`;
  if (!isShort && holding.length === 0) return { isGood: true, text: `${all}${others}` };
  const parts = [
    ...(isShort ? [`too few in all: ${all}`] : []),
    ...(failing.length === 0
      ? []
      : [`too few messages aligned: ${named(failing, ({ aligned, messages }) => `${aligned} of ${messages}`)}`]),
    ...(undecided.length === 0
      ? []
      : [`undecided, ours or not ours: ${named(undecided, ({ messages, days }) => `${messages} messages on ${days} days`)}`]),
  ];
  return { isGood: false, text: `${parts.join('; ')}${others}` };
}

function named(sources: readonly SourceShare[], say: (source: SourceShare) => string): string {
  const told = sources.slice(0, REPORT_SOURCES_TOLD_MAX).map((each) => `${nameOf(each)} ${say(each)}`);
  const more = sources.length - told.length;
  return `${told.join(', ')}${more === 0 ? '' : ` and ${more} more sources`}`;
}

/** As it is shown, and as `waxseal dmarc source` takes it. */
export function nameOf({ name, address }: Pick<SourceShare, 'name' | 'address'>): string {
  return address !== undefined && name.includes('/') ? address : name;
}
