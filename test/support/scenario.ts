/**
 * Scenarios: zones, questions and the answers they must get, as plain text (test/scenarios/*.scn).
 *
 *   ; RFC 4592 §2.2.2: the rule                      first line
 *   ; PEER bind cannot load: why, with RFC           a server that refuses the zones
 *   ZONE example. [SIGNED]                           records follow, `$ORIGIN` is the apex and `$TTL` 3600
 *   QUERY a.example. TXT DO TCP                      words after the type: how it is asked (WORDS below)
 *   ; PEER bind knot differ: why, with RFC           servers that answer this question otherwise
 *   NXDOMAIN AA                                      rcode, flags but for QR; or SILENCE; HEADER: no question echoed; EDE=n
 *   AUTHORITY                                        sections that are not written are empty
 *   example. 300 SOA                                 owner TTL type, RDATA where it matters; RRSIG: type covered, labels
 *
 * A question without UDP or TCP is asked over both. Not here: comparing (scenario-check.ts), servers (test/scenarios/scenarios.test.ts).
 */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '#dns/name.ts';
import { parseRdataText, typeCode } from '#dns/registry.ts';
import { PEER_KINDS, type PeerKind } from './peer-kinds.ts';
import { buildQuery, codeOfType, nameOfType, nameToWire, recordLine, type WireRecord } from './wire.ts';

export type Transport = 'udp' | 'tcp';
export const SECTIONS = ['answer', 'authority', 'additional'] as const;
export type Section = (typeof SECTIONS)[number];

export interface ScenarioZone {
  readonly name: string;
  readonly text: string;
  readonly signed: boolean;
}

/** A record that must be there. */
export interface ExpectedRecord {
  readonly text: string;
  matches(record: WireRecord): boolean;
}

export interface Expectation {
  /** Undefined: no answer at all. */
  readonly rcode: string | undefined;
  readonly flags: ReadonlySet<string>;
  /** Only the header comes back (and OPT), no question. */
  readonly headerOnly: boolean;
  readonly ede: number | undefined;
  readonly sections: Readonly<Record<Section, readonly ExpectedRecord[]>>;
}

export interface ScenarioQuery {
  /** The line as it stands in the file. */
  readonly title: string;
  readonly octets: Buffer;
  readonly hasOpt: boolean;
  readonly transports: readonly Transport[];
  readonly expected: Expectation;
  /** Peers that answer otherwise, and why. */
  readonly exceptions: ReadonlyMap<PeerKind, string>;
}

export interface Scenario {
  readonly file: string;
  /** The first line: section and rule. */
  readonly rule: string;
  readonly zones: readonly ScenarioZone[];
  readonly queries: readonly ScenarioQuery[];
  /** Peers that do not take the zones. */
  readonly cannotLoad: ReadonlySet<PeerKind>;
}

const CLASSES: Readonly<Record<string, number>> = { IN: 1, CH: 3, HS: 4, NONE: 254, ANY: 255 };
const HEADER_BITS: Readonly<Record<string, number>> = {
  QR: 0x8000,
  AA: 0x0400,
  TC: 0x0200,
  RD: 0x0100,
  RA: 0x0080,
  Z: 0x0040,
  AD: 0x0020,
  CD: 0x0010,
};
const EDNS_SIZE = 1232;
const OUTCOME = /^(?:SILENCE|NOERROR|FORMERR|SERVFAIL|NXDOMAIN|NOTIMP|REFUSED|YXDOMAIN|NOTAUTH|BADVERS)\b/;

/** Every file of test/scenarios. */
export function readScenarios(): Scenario[] {
  const folder = join(import.meta.dirname, '../scenarios');
  return readdirSync(folder)
    .filter((file) => file.endsWith('.scn'))
    .toSorted()
    .map((file) => parseScenario(file, readFileSync(join(folder, file), 'utf8')));
}

/** Reads one file; throws with file and line for what is no scenario. */
export function parseScenario(file: string, text: string): Scenario {
  const lines = text.split('\n');
  const fail = (at: number, what: string): never => {
    throw new Error(`${file}:${at + 1}: ${what}: ${lines[at] ?? ''}`);
  };
  const rule = /^; (RFC \d+ .+)$/.exec(lines[0]!)?.[1] ?? fail(0, 'the first line names no RFC section');
  const zones: { name: string; text: string; signed: boolean }[] = [];
  const queries: ScenarioQuery[] = [];
  const cannotLoad = new Set<PeerKind>();
  let block: { at: number; end: number }[] = [];
  for (const [at, line] of lines.entries()) {
    const zone = /^ZONE (\S+)( SIGNED)?$/.exec(line);
    if (zone !== null) zones.push({ name: zone[1]!, text: `$ORIGIN ${zone[1]}\n$TTL 3600\n`, signed: zone[2] !== undefined });
    else if (line.startsWith('QUERY ')) block.push({ at, end: lines.length });
    else if (block.length === 0) {
      for (const kind of peersIn(/^; PEER (.+) cannot load: .*RFC \d/.exec(line)?.[1])) cannotLoad.add(kind);
      if (zones.length > 0 && !line.startsWith(';')) zones.at(-1)!.text += `${line}\n`;
      else if (line !== '' && !line.startsWith(';')) fail(at, 'neither ZONE, QUERY nor a comment');
    }
  }
  if (zones.length === 0 || block.length === 0) fail(0, 'needs a ZONE and a QUERY');
  block = block.map(({ at }, index) => ({ at, end: block[index + 1]?.at ?? lines.length }));
  for (const { at, end } of block) queries.push(parseQueryBlock(lines, at, end, fail));
  return { file, rule, zones, queries, cannotLoad };
}

function peersIn(names: string | undefined): PeerKind[] {
  return PEER_KINDS.filter((kind) => names?.split(' ').includes(kind));
}

function parseQueryBlock(lines: readonly string[], start: number, end: number, fail: (at: number, what: string) => never): ScenarioQuery {
  const exceptions = new Map<PeerKind, string>();
  let outcome: string | undefined;
  let section: Section | undefined;
  const sections: Record<Section, ExpectedRecord[]> = { answer: [], authority: [], additional: [] };
  for (let at = start + 1; at < end; at++) {
    const line = lines[at]!;
    if (line.startsWith('; PEER ')) {
      const match = /^; PEER (.+) differs?: (.*RFC \d.*)$/.exec(line);
      const kinds = peersIn(match?.[1]);
      if (kinds.length === 0) fail(at, 'an exception names peers and an RFC');
      for (const kind of kinds) exceptions.set(kind, match![2]!);
    } else if (line === '' || line.startsWith(';')) continue;
    else if (outcome === undefined) {
      if (!OUTCOME.test(line)) fail(at, 'no rcode');
      outcome = line;
    } else if (['ANSWER', 'AUTHORITY', 'ADDITIONAL'].includes(line)) section = line.toLowerCase() as Section;
    else if (section === undefined) fail(at, 'a record outside a section');
    else sections[section].push(expectedRecord(line, () => fail(at, 'not a record')));
  }
  const [head, ...words] = (outcome ?? fail(start, 'a QUERY without an outcome')).split(/\s+/);
  const ede = words.find((word) => word.startsWith('EDE='))?.slice(4);
  const asked = queryOctets(lines[start]!.split(/\s+/).slice(1), () => fail(start, 'not a question'));
  return {
    title: lines[start]!,
    ...asked,
    expected: {
      rcode: head === 'SILENCE' ? undefined : head!,
      flags: new Set(words.filter((word) => word in HEADER_BITS)),
      headerOnly: words.includes('HEADER'),
      ede: ede === undefined ? undefined : Number(ede),
      sections,
    },
    exceptions,
  };
}

/** The octets of `name type words…`. */
function queryOctets(
  [name = '', type = '', ...words]: readonly string[],
  fail: () => never,
): Pick<ScenarioQuery, 'octets' | 'hasOpt' | 'transports'> {
  let flags = 0;
  let size: number | undefined;
  let [klass, opcode, version, ednsFlags] = [1, 0, 0, 0];
  let options = Buffer.alloc(0);
  const has = (word: string) => words.includes(word);
  for (const word of words) {
    const [key = '', value] = word.split('=');
    if (key in HEADER_BITS) flags |= HEADER_BITS[key]!;
    else if (key === 'EDNS') size = value === undefined ? EDNS_SIZE : Number(value);
    else if (key === 'DO') ednsFlags |= 0x8000;
    else if (key === 'ZFLAGS' && value !== undefined) ednsFlags |= Number(value);
    else if (key === 'VERSION' && value !== undefined) version = Number(value);
    else if (key === 'CLASS' && value !== undefined) klass = CLASSES[value] ?? Number(value);
    else if (key === 'OPCODE' && value !== undefined) opcode = Number(value);
    else if (key === 'OPTION' && value !== undefined) options = Buffer.concat([options, optionOctets(value)]);
    else if (!['UDP', 'TCP', 'HEADER-ONLY'].includes(word)) fail();
  }
  if (!/\.$/.test(name) || typeCode(type) === undefined) fail();
  if (size === undefined && (ednsFlags !== 0 || version !== 0 || options.length > 0)) size = EDNS_SIZE;
  const octets = buildQuery({
    name,
    type: `TYPE${typeCode(type)}`,
    class: klass,
    opcode,
    flags,
    id: 0x5c17,
    ...(size === undefined ? {} : { edns: { size, version, options } }),
  });
  if (size !== undefined) octets.writeUInt16BE(ednsFlags, octets.length - options.length - 4);
  const transports: Transport[] = has('UDP') ? ['udp'] : has('TCP') ? ['tcp'] : ['udp', 'tcp'];
  if (!has('HEADER-ONLY')) return { octets, hasOpt: size !== undefined, transports };
  const header = Buffer.from(octets.subarray(0, 12));
  header.fill(0, 4);
  return { octets: header, hasOpt: false, transports };
}

/** `100` or `10:0011aabb`: an EDNS option. */
function optionOctets(text: string): Buffer {
  const [code, hex = ''] = text.split(':');
  const data = Buffer.from(hex, 'hex');
  const head = Buffer.alloc(4);
  head.writeUInt16BE(Number(code), 0);
  head.writeUInt16BE(data.length, 2);
  return Buffer.concat([head, data]);
}

function expectedRecord(line: string, fail: () => never): ExpectedRecord {
  const match = /^(\S*\.)\s+(\d+)\s+(\S+)(?:\s+(.+))?$/.exec(line);
  const code = typeCode(match?.[3] ?? '');
  if (match === null || code === undefined) return fail();
  const [, owner = '', ttl = '', , rdata] = match;
  const type = nameOfType(code);
  const wire = nameToWire(owner.toLowerCase());
  const isSame = rdata === undefined ? () => true : rdataTest(code, type, rdata, fail);
  return {
    text: line,
    matches: (record) =>
      record.type === type && record.class === 1 && record.ttl === Number(ttl) && nameToWire(record.owner).equals(wire) && isSame(record),
  };
}

function rdataTest(code: number, type: string, text: string, fail: () => never): (record: WireRecord) => boolean {
  if (type === 'RRSIG') {
    const [covered = '', labels] = text.split(/\s+/);
    const wanted = codeOfType(covered);
    return ({ rdata }) =>
      Number.parseInt(rdata.slice(0, 4), 16) === wanted &&
      (labels === undefined || Number.parseInt(rdata.slice(6, 8), 16) === Number(labels));
  }
  const parsed = parseRdataText(code, text, ROOT);
  if (!parsed.ok) return fail();
  const hex = Buffer.from(parsed.value).toString('hex');
  return ({ rdata }) => rdata === hex;
}

/** Shows what came beside what was wanted. */
export function recordTexts(records: readonly WireRecord[]): string[] {
  return records.map((record) => `    ${recordLine(record)}`);
}
