/**
 * Zone files (master files): text → records, with every problem at its file, line and column.
 * Implements: RFC 1035 §5 (entries, $ORIGIN, $INCLUDE, blank owners, @), RFC 2308 §4 ($TTL), RFC 2181 §8 (TTL range), RFC 3597 §5
 * (TYPE<n>, CLASS<n>, \#). Where the RFCs leave it open, what BIND's named-checkzone does, so that files of other servers load alike.
 * Not here: words and quotes (lexer.ts), TTL, class and type (zone-file-head.ts), record data (registry.ts), $GENERATE
 * (zone-file-generate.ts), reading included files (zone-file-include.ts), writing zone files (zone-file-format.ts), RRsets
 * and the checks on a whole zone (zone/assemble.ts, zone/check.ts).
 */
import { ZONE_FILE_BYTES_MAX } from '#base/limits/admin.ts';
import { INCLUDE_DEPTH_MAX, INCLUDE_FILES_MAX, ZONE_RECORDS_MAX } from '#base/limits/dns.ts';
import { type Place, inFile } from '#base/place.ts';
import { ProblemList } from '#base/problem-list.ts';
import { type Problem, type Result, fail, placeAt, problem, warning } from '#base/problem.ts';
import { type Entry, type Token, streamEntries } from './lexer.ts';
import { type Name, formatName } from './name.ts';
import { type NameReader } from '#dns/rdata/field.ts';
import { durationSeconds } from '#dns/rdata/field-number.ts';
import { parseRdata } from './registry.ts';
import { type RrType } from './types.ts';
import { expandGenerate } from './zone-file-generate.ts';
import { type TtlState, boundTtl, decideTtl, readRecordHead } from './zone-file-head.ts';
import { notZoneFile, unquotedMailText, zoneFileNames } from './zone-file-hints.ts';

/** One record as the file has it; class IN. */
export interface ZoneRecordLine {
  readonly owner: Name;
  readonly ttl: number;
  readonly type: RrType;
  /** Uncompressed wire form, checked. */
  readonly rdata: Uint8Array;
  /** `file:line:column` of its first word. */
  readonly at: Place;
}

/** Text of an included file and the name its problems are reported under. */
export interface IncludedFile {
  readonly text: string;
  readonly file: string;
}

export interface ZoneFileOptions {
  /** What problems call the file. */
  readonly file: string;
  /** The zone's name: the first origin. */
  readonly origin: Name;
  /** As if the file began with `$TTL`. */
  readonly defaultTtl?: number;
  /** Finds the file that `from` includes as `path`; undefined when there is none. Without it `$INCLUDE` is a problem. */
  readonly include?: (path: string, from: string) => Result<IncludedFile> | undefined;
  readonly recordsMax?: number;
  /** Of them, those that $GENERATE makes; as many as `recordsMax` when absent. */
  readonly generatedMax?: number;
}

export interface ZoneFile extends ZoneFileEnd {
  /** In the order of the file, out-of-zone data and duplicates included. */
  readonly records: readonly ZoneRecordLine[];
}

/** What is known when a zone file was read to its end. */
export interface ZoneFileEnd {
  /** At most PROBLEMS_SHOWN_MAX errors and as many warnings. With an error among them the file must not be used. */
  readonly problems: readonly Problem[];
  /** The `$TTL` in force at the end, or the SOA minimum when it stood in for one. */
  readonly defaultTtl: number | undefined;
}

type TakeRecord = (record: ZoneRecordLine) => void;

/** What all files of one zone share. */
interface Reading extends TtlState {
  readonly options: ZoneFileOptions;
  readonly readName: NameReader;
  readonly take: TakeRecord;
  readonly recordsMax: number;
  /** Records so far. */
  recordCount: number;
  /** Made by $GENERATE so far. */
  generated: number;
  readonly problems: ProblemList;
  includedFiles: number;
  readCharacters: number;
  /** Set when a bound was passed: nothing more is read. */
  stopped: boolean;
}

/** What one file has for itself: after `$INCLUDE`, the outer file's origin and owner apply again (RFC 1035 §5.1). */
interface FileState {
  readonly file: string;
  readonly depth: number;
  origin: Name;
  /** The last owner; undefined before the first one, null when the last one was bad and its problem is reported. */
  owner: Name | null | undefined;
  ownerText: string;
  ownerOrigin: Name;
  /** True from an `$ORIGIN` to the next stated owner. */
  originChanged: boolean;
}

/** Reads `text`, one character per octet. Never throws: whatever is wrong is among `problems`. */
export function parseZoneFile(text: string, options: ZoneFileOptions): ZoneFile {
  const records: ZoneRecordLine[] = [];
  const end = readZoneFile(text, options, (record) => records.push(record));
  return { records, ...end };
}

/** `parseZoneFile` that gives each record to `take` and keeps none: a large file never is all records at once. */
export function readZoneFile(text: string, options: ZoneFileOptions, take: TakeRecord): ZoneFileEnd {
  const reading: Reading = {
    options,
    readName: zoneFileNames(options.origin),
    take,
    recordsMax: options.recordsMax ?? ZONE_RECORDS_MAX,
    recordCount: 0,
    generated: 0,
    problems: new ProblemList(),
    defaultTtl: options.defaultTtl,
    lastTtl: undefined,
    lastTtlTold: false,
    includedFiles: 0,
    readCharacters: 0,
    stopped: false,
  };
  readFile(reading, text, options.file, options.origin, undefined, 0);
  return { problems: reading.problems.list(), defaultTtl: reading.defaultTtl };
}

function readFile(reading: Reading, text: string, file: string, origin: Name, owner: Name | null | undefined, depth: number): void {
  reading.readCharacters += text.length;
  const wrong = notZoneFile(text, file);
  if (wrong !== undefined) {
    reading.problems.push(wrong);
    return;
  }
  const state: FileState = { file, depth, origin, owner, ownerText: '', ownerOrigin: origin, originChanged: depth > 0 };
  // Editors on Windows begin a file with the octets EF BB BF, U+FEFF in UTF-8.
  const body = text.startsWith('\u00ef\u00bb\u00bf') ? text.slice(3) : text;
  for (const entry of streamEntries(body, file, reading.problems)) {
    const first = entry.tokens[0]!;
    if (!entry.blankOwner && first.text.charCodeAt(0) === 0x24) readDirective(reading, state, entry);
    else readRecord(reading, state, entry);
    if (reading.stopped) return;
  }
}

function placeOf(state: FileState, token: Token): Place {
  return inFile(state.file, token.line, token.column);
}

function readDirective(reading: Reading, state: FileState, { tokens }: Entry): void {
  const first = tokens[0]!;
  const name = first.text.toUpperCase();
  const [least, most] = name === '$INCLUDE' ? [1, 2] : name === '$GENERATE' ? [4, 6] : [1, 1];
  const complain = (token: Token, message: string, fix?: string) =>
    reading.problems.push(
      problem(
        'ZONE_FILE_DIRECTIVE',
        placeOf(state, token),
        message,
        fix === undefined ? { rfc: 'RFC 1035 §5.1' } : { rfc: 'RFC 1035 §5.1', fix },
      ),
    );
  if (name !== '$TTL' && name !== '$ORIGIN' && name !== '$INCLUDE' && name !== '$GENERATE') {
    complain(
      first,
      `${first.text} is no directive`,
      'known are $ORIGIN, $TTL, $INCLUDE and $GENERATE; an owner that begins with $ is written \\$',
    );
    return;
  }
  if (tokens.length - 1 < least) {
    complain(first, `${name} is not complete`, DIRECTIVE_FORMS[name]);
    return;
  }
  if (tokens.length - 1 > most) {
    complain(tokens[most + 1]!, `${JSON.stringify(tokens[most + 1]!.text)} is more than ${name} takes`, DIRECTIVE_FORMS[name]);
    return;
  }
  if (name === '$TTL') {
    const ttl = durationSeconds(tokens[1]!.text);
    if (ttl === undefined) complain(tokens[1]!, `${JSON.stringify(tokens[1]!.text)} is no TTL`, DIRECTIVE_FORMS[name]);
    else reading.defaultTtl = boundTtl(reading, state.file, ttl, tokens[1]!);
  } else if (name === '$ORIGIN') {
    const origin = readName(reading, state, tokens[1]!);
    if (origin === undefined) return;
    state.origin = origin;
    state.originChanged = true;
  } else if (name === '$INCLUDE') includeFile(reading, state, tokens);
  else generateRecords(reading, state, tokens);
}

const DIRECTIVE_FORMS = {
  $TTL: 'write $TTL TIME, as $TTL 3600 or $TTL 1h30m',
  $ORIGIN: 'write $ORIGIN NAME',
  $INCLUDE: 'write $INCLUDE FILE, or $INCLUDE FILE ORIGIN',
  $GENERATE: 'write $GENERATE START-STOP[/STEP] OWNER [TTL] [CLASS] TYPE DATA, data of several words in quotes',
} as const;

/** The name `token` stands for; undefined after a problem. */
function readName(reading: Reading, state: FileState, token: Token): Name | undefined {
  const name = reading.readName(token.text, state.origin);
  reading.problems.push(...placeAt(name.ok ? name.warnings : name.problems, placeOf(state, token)));
  return name.ok ? name.value : undefined;
}

function includeFile(reading: Reading, state: FileState, tokens: readonly Token[]): void {
  const path = tokens[1]!;
  const at = placeOf(state, path);
  const { include } = reading.options;
  const stop = (message: string) => {
    reading.stopped = true;
    reading.problems.push(problem('INCLUDE_LIMIT', at, message, { fix: 'does the file include itself?' }));
  };
  if (include === undefined) {
    reading.problems.push(
      problem('INCLUDE_REFUSED', at, 'files cannot be included here: the text came without its folder', {
        fix: 'put the included text in its place, or give the file itself to: waxseal zone check ZONE FILE',
      }),
    );
    return;
  }
  const origin = tokens[2] === undefined ? state.origin : readName(reading, state, tokens[2]);
  if (origin === undefined) return;
  if (state.depth >= INCLUDE_DEPTH_MAX) return stop(`$INCLUDE goes deeper than ${INCLUDE_DEPTH_MAX} files`);
  if (++reading.includedFiles > INCLUDE_FILES_MAX) return stop(`more than ${INCLUDE_FILES_MAX} files are included`);
  const found =
    include(path.text, state.file) ?? fail(problem('INCLUDE_REFUSED', at, `there is no file ${JSON.stringify(path.text)} to include`));
  if (!found.ok) {
    reading.problems.push(...placeAt(found.problems, at));
    return;
  }
  if (reading.readCharacters + found.value.text.length > ZONE_FILE_BYTES_MAX)
    return stop(`the zone's files together are larger than ${ZONE_FILE_BYTES_MAX} octets`);
  readFile(reading, found.value.text, found.value.file, origin, state.owner, state.depth + 1);
  // RFC 1035 §5.1: the origin of the including file does not change. Nor does its owner, as in BIND.
  state.originChanged = tokens[2] !== undefined;
}

function readRecord(reading: Reading, state: FileState, entry: Entry): void {
  const { tokens } = entry;
  let next = 0;
  if (entry.blankOwner) inheritOwner(reading, state, tokens[0]!);
  else {
    const token = tokens[next++]!;
    // The same name as in the entry before, as in most files: not read again.
    if (state.owner === undefined || state.owner === null || token.text !== state.ownerText || state.origin !== state.ownerOrigin) {
      state.owner = readName(reading, state, token) ?? null;
      state.ownerText = token.text;
      state.ownerOrigin = state.origin;
    }
    state.originChanged = false;
  }
  const read = readRecordHead(tokens, next, state.file);
  if (!read.ok) {
    reading.problems.push(...read.problems);
    return;
  }
  const head = read.value;
  const data = tokens.slice(head.next);
  const rdata = parseRdata(head.type, data, state.origin, state.file, reading.readName);
  if (!rdata.ok) {
    const place = placeOf(state, head.typeToken);
    reading.problems.push(...(data.length > 0 ? rdata.problems : placeAt(rdata.problems, place)));
    return;
  }
  reading.problems.push(...rdata.warnings);
  const unquoted = unquotedMailText(head.type, data, state.file);
  if (unquoted !== undefined) reading.problems.push(unquoted);
  const ttl = decideTtl(reading, state.file, head, rdata.value);
  if (ttl === undefined || state.owner === null || state.owner === undefined) return;
  addRecord(reading, { owner: state.owner, ttl, type: head.type, rdata: rdata.value, at: placeOf(state, tokens[0]!) });
}

function addRecord(reading: Reading, record: ZoneRecordLine): void {
  if (reading.recordCount < reading.recordsMax) {
    reading.recordCount++;
    reading.take(record);
    return;
  }
  tooMany(reading, `more than ${reading.recordsMax} records`, record.at);
}

function tooMany(reading: Reading, what: string, at: Place): void {
  reading.stopped = true;
  reading.problems.push(
    problem('ZONE_RECORDS_LIMIT', at, `the zone has ${what}, the most for one command; the rest is not read`, {
      fix: 'leave records out, or have an administrator import it, who may bring more than a token of the zone',
    }),
  );
}

function inheritOwner(reading: Reading, state: FileState, token: Token): void {
  if (state.owner === undefined) {
    const directive = token.text.startsWith('$')
      ? { fix: `${token.text} must begin in the first column` }
      : { fix: 'begin the line with an owner, @ for the zone itself' };
    reading.problems.push(
      problem('RECORD_OWNER', placeOf(state, token), 'this line begins with a blank, and no owner was stated before it', {
        rfc: 'RFC 1035 §5.1',
        ...directive,
      }),
    );
    state.owner = null;
  } else if (state.originChanged && state.owner !== null) {
    reading.problems.push(
      warning(
        'RECORD_OWNER',
        placeOf(state, token),
        `this record belongs to ${formatName(state.owner)}, stated before the origin became ${formatName(state.origin)}`,
        {
          fix: 'state the owner after $ORIGIN and at the start of an included file',
        },
      ),
    );
    state.originChanged = false;
  }
}

/** The records of one `$GENERATE` line. Its owners are not "the last stated owner" of the lines below it (as in BIND). */
function generateRecords(reading: Reading, state: FileState, tokens: readonly Token[]): void {
  const read = readRecordHead(tokens, 3, state.file);
  if (!read.ok) {
    reading.problems.push(...read.problems);
    return;
  }
  const head = read.value;
  const data = tokens[head.next];
  if (data === undefined || tokens.length > head.next + 1) {
    const token = tokens[head.next + 1] ?? tokens.at(-1)!;
    const message = data === undefined ? 'the data is missing' : `${JSON.stringify(token.text)} is more than $GENERATE takes`;
    reading.problems.push(problem('ZONE_FILE_DIRECTIVE', placeOf(state, token), message, { fix: DIRECTIVE_FORMS.$GENERATE }));
    return;
  }
  let ttl: number | undefined;
  const { file } = state;
  const place = placeOf(state, tokens[0]!);
  for (const made of expandGenerate({
    range: tokens[1]!,
    owner: tokens[2]!,
    data,
    type: head.type,
    origin: state.origin,
    file,
    readName: reading.readName,
  })) {
    if (!made.ok) {
      // Every record of the line would have the same problem: the first reports it.
      reading.problems.push(...made.problems);
      return;
    }
    const { generatedMax = Infinity } = reading.options;
    const what = `more than ${generatedMax} records by $GENERATE`;
    if (++reading.generated > generatedMax) return tooMany(reading, what, place);
    // The line's warnings, too, are reported once.
    if (ttl === undefined) reading.problems.push(...made.warnings);
    ttl ??= decideTtl(reading, state.file, head, made.value.rdata);
    if (ttl === undefined) return;
    addRecord(reading, { owner: made.value.owner, ttl, type: head.type, rdata: made.value.rdata, at: place });
    if (reading.stopped) return;
  }
}
