/**
 * What is kept of DMARC reports: counts by day and source, selectors, and which sources the operator has declared ours
 * or not ours. Bounded in every direction, because strangers write reports; what has no place of its own is summed up,
 * so that totals are right.
 * Not here: the book around the days (book.ts), which source a row belongs to (source.ts), what follows from the counts
 * (judgement.ts).
 */
import {
  REPORT_DECLARED_MAX,
  REPORT_SELECTORS_PER_DAY_MAX,
  SOURCES_KNOWN_PER_DAY_MAX,
  SOURCES_UNKNOWN_PER_DAY_MAX,
} from '#base/limits/reports.ts';
import { type ReportBook, type ReportTimes, enterReport, largest, newBook, reportDay } from './book.ts';
import { type DmarcReport } from './dmarc-aggregate.ts';
import { type DmarcRow } from './dmarc-record.ts';
import { withoutRepeats } from './repeats.ts';
import { type SourceKind, sourceOf } from './source.ts';

/** `day` counts from 1970-01-01. */
export interface DmarcDay {
  readonly day: number;
  readonly sources: readonly SourceDay[];
  /** Sources that were too many to keep one by one. */
  readonly rest: RestOfDay;
  /** Messages by selector of the domain that signed them and verified. */
  readonly selectors: Readonly<Record<string, number>>;
}

/** The mail of one source on one day. */
export interface SourceDay {
  readonly name: string;
  readonly kind: SourceKind;
  /** Its only address; absent where there are several. */
  readonly address?: string;
  readonly messages: number;
  /** By DKIM or by SPF. */
  readonly aligned: number;
  /** Not aligned, and the receiver says that it was forwarded. */
  readonly forwarded: number;
  /** SPF of the domain names the address. */
  readonly isNamed?: boolean;
}

export interface RestOfDay {
  /** Of sources that have aligned mail. Without forwarded mail. */
  readonly known: { readonly messages: number; readonly aligned: number };
  readonly unknown: { readonly messages: number };
}

/** What the operator said of a source. */
export interface Declaration {
  readonly name: string;
  readonly isOurs: boolean;
  readonly reason: string;
  readonly by: string;
  /** Wall time. */
  readonly atMs: number;
}

export interface DmarcBook extends ReportBook<DmarcDay> {
  readonly version: 2;
  readonly declared: readonly Declaration[];
}

/** As version 1 kept it: by address. */
export interface OldDmarcBook extends ReportBook<OldDmarcDay> {
  readonly version: 1;
}

interface OldDmarcDay {
  readonly day: number;
  readonly sources: readonly {
    readonly address: string;
    readonly messages: number;
    readonly aligned: number;
    readonly forwarded: number;
  }[];
  readonly selectors: Readonly<Record<string, number>>;
}

export function newDmarcBook(): DmarcBook {
  return { ...newBook<DmarcDay>(), version: 2, declared: [] };
}

const NO_REST: RestOfDay = { known: { messages: 0, aligned: 0 }, unknown: { messages: 0 } };

/** The same counts; each address that version 1 had stays a source by itself. */
export function upgradeDmarcBook({ known, last, days }: OldDmarcBook): DmarcBook {
  return {
    ...newDmarcBook(),
    known,
    last,
    days: days.map(({ day, sources, selectors }) => ({
      day,
      sources: sources.map(({ address, messages, aligned, forwarded }) => ({
        name: address,
        kind: 'network',
        address,
        messages,
        aligned,
        forwarded,
      })),
      rest: NO_REST,
      selectors,
    })),
  };
}

/** What a report is read against: the zone as it is. */
export interface DmarcGround {
  /** Lower case, without final dot. */
  readonly domain: string;
  /** Whether SPF of the domain names the address. */
  readonly isOurs: (address: string) => boolean;
  readonly isEd25519: (selector: string) => boolean;
}

export function withDmarcReport(book: DmarcBook, report: DmarcReport, ground: DmarcGround, times: ReportTimes): DmarcBook {
  const empty = (day: number): DmarcDay => ({ day, sources: [], rest: NO_REST, selectors: {} });
  const rows = withoutRepeats(report.rows, ground.isEd25519);
  const otherDays = book.days.filter(({ day }) => day !== reportDay(report));
  const seen = new Set(otherDays.flatMap(({ sources }) => sources.map(({ name }) => name)));
  const entered = enterReport(book, report, times, empty, (day) => {
    const sources = new Map(day.sources.map((each) => [each.name, each]));
    const selectors = new Map(Object.entries(day.selectors));
    for (const row of rows) {
      addRow(sources, row, ground);
      const own = new Set(row.signatures.filter(({ domain }) => domain === ground.domain).map(({ selector }) => selector));
      for (const selector of own) if (selector !== '') selectors.set(selector, (selectors.get(selector) ?? 0) + row.messages);
    }
    return {
      ...day,
      ...withinBudgets([...sources.values()], day.rest, isKnownSource(book.declared), seen),
      selectors: largest(selectors, REPORT_SELECTORS_PER_DAY_MAX),
    };
  });
  return { ...entered, version: 2, declared: book.declared };
}

function addRow(sources: Map<string, SourceDay>, row: DmarcRow, { domain, isOurs }: DmarcGround): void {
  const { name, kind } = sourceOf(row, domain, isOurs);
  const before = sources.get(name);
  const isAligned = row.isDkimAligned || row.isSpfAligned;
  const isSameAddress = before === undefined || before.address === row.address;
  sources.set(name, {
    name,
    kind,
    ...(isSameAddress ? { address: row.address } : {}),
    messages: (before?.messages ?? 0) + row.messages,
    aligned: (before?.aligned ?? 0) + (isAligned ? row.messages : 0),
    forwarded: (before?.forwarded ?? 0) + (!isAligned && row.isForwarded ? row.messages : 0),
    ...(before?.isNamed === true || isOurs(row.address) ? { isNamed: true } : {}),
  });
}

/** Some of its mail is aligned, SPF names it, or the operator has declared it ours. */
export function isKnownSource(declared: readonly Declaration[]): (source: SourceDay) => boolean {
  const ours = new Set(declared.filter(({ isOurs }) => isOurs).map(({ name }) => name));
  return ({ name, aligned, isNamed }) => aligned > 0 || isNamed === true || ours.has(name);
}

/**
 * Known sources, unknown domains and unknown networks each have a budget: thousands of forged ones push out none of the
 * others.
 */
function withinBudgets(
  sources: readonly SourceDay[],
  rest: RestOfDay,
  isKnown: (source: SourceDay) => boolean,
  seen: ReadonlySet<string>,
): Pick<DmarcDay, 'sources' | 'rest'> {
  const known = sources.filter(isKnown);
  const unknown = sources.filter((each) => !isKnown(each));
  const ofKind = (kind: SourceKind) => unknown.filter((each) => each.kind === kind);
  const kept = new Set([
    ...mostImportant(known, SOURCES_KNOWN_PER_DAY_MAX, seen),
    ...mostImportant(ofKind('domain'), SOURCES_UNKNOWN_PER_DAY_MAX, seen),
    ...mostImportant(ofKind('network'), SOURCES_UNKNOWN_PER_DAY_MAX, seen),
  ]);
  const sum = (of: readonly SourceDay[], count: (source: SourceDay) => number) =>
    of.filter((each) => !kept.has(each)).reduce((total, each) => total + count(each), 0);
  const counted = ({ messages, forwarded }: SourceDay) => messages - forwarded;
  return {
    sources: [...kept],
    rest: {
      known: {
        messages: rest.known.messages + sum(known, counted),
        aligned: rest.known.aligned + sum(known, ({ aligned }) => aligned),
      },
      unknown: { messages: rest.unknown.messages + sum(unknown, counted) },
    },
  };
}

/**
 * Half of the places for the largest, then those that were there on other days: a small steady one is not lost in a
 * flood.
 */
function mostImportant(sources: readonly SourceDay[], max: number, seen: ReadonlySet<string>): SourceDay[] {
  const bySize = sources.toSorted((a, b) => b.messages - a.messages || (a.name < b.name ? -1 : 1));
  const largestHalf = bySize.slice(0, Math.ceil(max / 2));
  const others = bySize.slice(largestHalf.length).toSorted((a, b) => Number(seen.has(b.name)) - Number(seen.has(a.name)));
  return [...largestHalf, ...others.slice(0, max - largestHalf.length)];
}

/** The book with the operator's word on a source, instead of an earlier one; undefined when there are too many. */
export function withDeclaration(book: DmarcBook, declaration: Declaration): DmarcBook | undefined {
  const others = book.declared.filter(({ name }) => name !== declaration.name);
  return others.length >= REPORT_DECLARED_MAX ? undefined : { ...book, declared: [...others, declaration] };
}
