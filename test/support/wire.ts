/**
 * A small second reader and writer of DNS messages for tests: tolerant where a test needs it, and it shares no line with src/dns,
 * so that one mistake cannot hide in both. Follows compression anywhere, keeps going over unknown types, says what was left over.
 * Implements: RFC 1035 §4.1 (reading), RFC 6891 §6.1.2 (OPT), enough of RDATA to compare names inside it without case.
 */

/** Mnemonics the tests use; everything else is `TYPE123`. */
const TYPE_CODES: Readonly<Record<string, number>> = {
  A: 1,
  NS: 2,
  CNAME: 5,
  SOA: 6,
  PTR: 12,
  HINFO: 13,
  MX: 15,
  TXT: 16,
  RP: 17,
  AFSDB: 18,
  AAAA: 28,
  LOC: 29,
  SRV: 33,
  NAPTR: 35,
  KX: 36,
  CERT: 37,
  DNAME: 39,
  OPT: 41,
  DS: 43,
  SSHFP: 44,
  RRSIG: 46,
  NSEC: 47,
  DNSKEY: 48,
  NSEC3: 50,
  NSEC3PARAM: 51,
  TLSA: 52,
  CDS: 59,
  CDNSKEY: 60,
  SVCB: 64,
  HTTPS: 65,
  SPF: 99,
  IXFR: 251,
  AXFR: 252,
  MAILB: 253,
  MAILA: 254,
  ANY: 255,
  URI: 256,
  CAA: 257,
};
const TYPE_NAMES = new Map(Object.entries(TYPE_CODES).map(([name, code]) => [code, name]));

/** `MX` → 15, `TYPE65280` → 65280. Throws for a mnemonic the tests do not know. */
export function codeOfType(type: string): number {
  const code = TYPE_CODES[type] ?? (/^TYPE\d+$/.test(type) ? Number(type.slice(4)) : undefined);
  if (code === undefined) throw new Error(`test support knows no type ${type}`);
  return code;
}

/** 15 → `MX`, 65280 → `TYPE65280`. */
export function nameOfType(code: number): string {
  return TYPE_NAMES.get(code) ?? `TYPE${code}`;
}

const RCODES = ['NOERROR', 'FORMERR', 'SERVFAIL', 'NXDOMAIN', 'NOTIMP', 'REFUSED', 'YXDOMAIN', 'YXRRSET', 'NXRRSET', 'NOTAUTH', 'NOTZONE'];

/** `NOERROR`, …, `BADVERS`, `RCODE23`. */
export function nameOfRcode(code: number): string {
  return RCODES[code] ?? (code === 16 ? 'BADVERS' : `RCODE${code}`);
}

/** Wire form of an absolute name in presentation form (`a\.b.example.`, `\255.example.`, `.`). A last dot is optional. */
export function nameToWire(text: string): Buffer {
  const labels: number[][] = [[]];
  for (let at = 0; at < text.length; at++) {
    const label = labels.at(-1)!;
    if (text[at] === '.') labels.push([]);
    else if (text[at] !== '\\') label.push(text.charCodeAt(at));
    else if (/^\d{3}/.test(text.slice(at + 1, at + 4))) {
      label.push(Number(text.slice(at + 1, at + 4)));
      at += 3;
    } else label.push(text.charCodeAt(++at));
  }
  return Buffer.from([...labels.filter((label) => label.length > 0).flatMap((label) => [label.length, ...label]), 0]);
}

/** How a query is to look; what is absent has the usual value. */
export interface QueryShape {
  readonly name: string;
  readonly type: string;
  readonly class?: number;
  readonly id?: number;
  readonly opcode?: number;
  /** Header flags or'ed in: 0x0100 RD, 0x0020 AD, 0x0010 CD, 0x8000 QR … */
  readonly flags?: number;
  readonly edns?: { readonly size: number; readonly dnssecOk?: boolean; readonly version?: number; readonly options?: Buffer };
}

/** Octets of the query. */
export function buildQuery(shape: QueryShape): Buffer {
  const header = Buffer.alloc(12);
  header.writeUInt16BE(shape.id ?? 0, 0);
  header.writeUInt16BE(((shape.opcode ?? 0) << 11) | (shape.flags ?? 0), 2);
  header.writeUInt16BE(1, 4);
  const question = Buffer.concat([nameToWire(shape.name), Buffer.alloc(4)]);
  question.writeUInt16BE(codeOfType(shape.type), question.length - 4);
  question.writeUInt16BE(shape.class ?? 1, question.length - 2);
  if (shape.edns === undefined) return Buffer.concat([header, question]);
  header.writeUInt16BE(1, 10);
  const options = shape.edns.options ?? Buffer.alloc(0);
  const opt = Buffer.alloc(11);
  opt.writeUInt16BE(41, 1);
  opt.writeUInt16BE(shape.edns.size, 3);
  opt.writeUInt8(shape.edns.version ?? 0, 6);
  opt.writeUInt16BE(shape.edns.dnssecOk === true ? 0x8000 : 0, 7);
  opt.writeUInt16BE(options.length, 9);
  return Buffer.concat([header, question, opt, options]);
}

/** One record of a message. */
export interface WireRecord {
  /** Lower-case presentation form, absolute. */
  readonly owner: string;
  readonly type: string;
  readonly class: number;
  readonly ttl: number;
  /** Hex of the RDATA with embedded names decompressed and in lower case, so that equal data are equal text. */
  readonly rdata: string;
  /** Names embedded in the RDATA, lower-case presentation form. */
  readonly names: readonly string[];
}

/** A message as it stood on the wire. */
export interface WireMessage {
  readonly id: number;
  readonly opcode: number;
  /** With the extended bits of OPT. */
  readonly rcode: string;
  readonly flags: ReadonlySet<'QR' | 'AA' | 'TC' | 'RD' | 'RA' | 'Z' | 'AD' | 'CD'>;
  /** The question section, octet for octet. */
  readonly question: string;
  readonly answer: readonly WireRecord[];
  readonly authority: readonly WireRecord[];
  /** Without OPT. */
  readonly additional: readonly WireRecord[];
  readonly edns?: {
    readonly size: number;
    readonly version: number;
    readonly dnssecOk: boolean;
    readonly options: ReadonlyMap<number, string>;
  };
  /** Octets after the last record. */
  readonly trailing: number;
  readonly size: number;
}

/** `example.` with the octets that need it escaped as `\DDD`. */
function labelText(octets: Buffer): string {
  let text = '';
  for (const octet of octets) {
    const lower = octet >= 0x41 && octet <= 0x5a ? octet + 32 : octet;
    if (lower <= 0x20 || lower >= 0x7f) text += `\\${String(lower).padStart(3, '0')}`;
    else text += '.\\"();@$'.includes(String.fromCharCode(lower)) ? `\\${String.fromCharCode(lower)}` : String.fromCharCode(lower);
  }
  return text;
}

function readName(message: Buffer, start: number): { text: string; wire: Buffer; end: number } {
  const labels: Buffer[] = [];
  let at = start;
  let end = -1;
  for (let steps = 0; ; steps++) {
    if (steps > 300) throw new Error(`name at ${start} has a loop`);
    const length = message.readUInt8(at);
    if ((length & 0xc0) === 0xc0) {
      const target = message.readUInt16BE(at) & 0x3fff;
      if (target >= at) throw new Error(`pointer at ${at} does not go backwards`);
      if (end < 0) end = at + 2;
      at = target;
    } else if (length > 63) throw new Error(`label type ${length} at ${at}`);
    else if (length === 0) {
      if (end < 0) end = at + 1;
      break;
    } else {
      if (at + 1 + length > message.length) throw new Error(`label at ${at} passes the end`);
      labels.push(message.subarray(at + 1, at + 1 + length));
      at += 1 + length;
    }
  }
  const wire = Buffer.concat([...labels.flatMap((label) => [Buffer.from([label.length]), label]), Buffer.from([0])]);
  for (let octet = 0; octet < wire.length; octet++) {
    const value = wire[octet]!;
    if (value >= 0x41 && value <= 0x5a) wire[octet] = value + 32;
  }
  return { text: labels.length === 0 ? '.' : `${labels.map((label) => labelText(label)).join('.')}.`, wire, end };
}

/** RDATA with names in it: octets before the first name, how many names follow. What comes after is taken as it is. */
const NAME_SHAPES: Readonly<Record<string, readonly [skip: number, names: number]>> = {
  NS: [0, 1],
  CNAME: [0, 1],
  SOA: [0, 2],
  PTR: [0, 1],
  MX: [2, 1],
  RP: [0, 2],
  AFSDB: [2, 1],
  SRV: [6, 1],
  KX: [2, 1],
  DNAME: [0, 1],
  RRSIG: [18, 1],
  NSEC: [0, 1],
  SVCB: [2, 1],
  HTTPS: [2, 1],
};

function readRecord(message: Buffer, start: number): { record: WireRecord; data: Buffer; end: number } {
  const owner = readName(message, start);
  const type = nameOfType(message.readUInt16BE(owner.end));
  const dataStart = owner.end + 10;
  const end = dataStart + message.readUInt16BE(owner.end + 8);
  if (end > message.length) throw new Error(`RDATA of ${owner.text} ${type} passes the end`);
  const [skip, count] = NAME_SHAPES[type] ?? [0, 0];
  let at = Math.min(dataStart + skip, end);
  const parts = [message.subarray(dataStart, at)];
  const names: string[] = [];
  for (let each = 0; each < count && at < end; each++) {
    const name = readName(message, at);
    parts.push(name.wire);
    names.push(name.text);
    at = name.end;
  }
  if (at > end) throw new Error(`name in RDATA of ${owner.text} ${type} passes its end`);
  parts.push(message.subarray(at, end));
  return {
    record: {
      owner: owner.text,
      type,
      class: message.readUInt16BE(owner.end + 2),
      ttl: message.readUInt32BE(owner.end + 4),
      rdata: Buffer.concat(parts).toString('hex'),
      names,
    },
    data: message.subarray(dataStart, end),
    end,
  };
}

const FLAG_BITS = [
  ['QR', 0x8000],
  ['AA', 0x0400],
  ['TC', 0x0200],
  ['RD', 0x0100],
  ['RA', 0x0080],
  ['Z', 0x0040],
  ['AD', 0x0020],
  ['CD', 0x0010],
] as const;

/** The message, or an exception that says at which octet it stops making sense. */
export function parseMessage(message: Buffer): WireMessage {
  const flags = message.readUInt16BE(2);
  let at = 12;
  for (let each = 0; each < message.readUInt16BE(4); each++) at = readName(message, at).end + 4;
  const question = message.subarray(12, at).toString('hex');
  const sections: WireRecord[][] = [];
  let edns: WireMessage['edns'];
  let extended = 0;
  for (const countAt of [6, 8, 10]) {
    const section: WireRecord[] = [];
    for (let each = 0; each < message.readUInt16BE(countAt); each++) {
      const { record, data, end } = readRecord(message, at);
      at = end;
      if (record.type !== 'OPT') {
        section.push(record);
        continue;
      }
      if (countAt !== 10 || edns !== undefined) throw new Error('OPT twice or outside the additional section (RFC 6891 §6.1.1)');
      extended = record.ttl >>> 24;
      const options = new Map<number, string>();
      for (let option = 0; option < data.length; option += 4 + data.readUInt16BE(option + 2))
        options.set(data.readUInt16BE(option), data.subarray(option + 4, option + 4 + data.readUInt16BE(option + 2)).toString('hex'));
      edns = { size: record.class, version: (record.ttl >>> 16) & 0xff, dnssecOk: (record.ttl & 0x8000) !== 0, options };
    }
    sections.push(section);
  }
  return {
    id: message.readUInt16BE(0),
    opcode: (flags >>> 11) & 15,
    rcode: nameOfRcode((extended << 4) | (flags & 15)),
    flags: new Set(FLAG_BITS.filter(([, bit]) => (flags & bit) !== 0).map(([name]) => name)),
    question,
    answer: sections[0]!,
    authority: sections[1]!,
    additional: sections[2]!,
    ...(edns === undefined ? {} : { edns }),
    trailing: message.length - at,
    size: message.length,
  };
}

/** One record as a line for people. */
export function recordLine(record: WireRecord): string {
  return `${record.owner} ${record.ttl} ${record.type} ${record.names.length > 0 && record.type !== 'RRSIG' ? `${record.names.join(' ')} ` : ''}${record.rdata}`;
}

/** The whole message as lines for people, sections sorted. */
export function messageLines(message: WireMessage): string {
  const section = (title: string, records: readonly WireRecord[]) =>
    records.length === 0 ? [] : [`  ${title}`, ...records.map((record) => `    ${recordLine(record)}`).toSorted()];
  return [
    `  ${message.rcode} ${[...message.flags].join(' ')}${message.edns === undefined ? '' : ' +EDNS'} ${message.size} octets`,
    ...section('ANSWER', message.answer),
    ...section('AUTHORITY', message.authority),
    ...section('ADDITIONAL', message.additional),
  ].join('\n');
}
