/**
 * CPU time of one answer inside the responder: no sockets, one thread, the large zone once unsigned and once signed, from a real store.
 * Use: taskset -c 1 node bench/respond.ts [names] [folder]     default 100,000; a folder keeps the store for the next run
 * `cold` is the first round over 20,000 questions, `warm` the median of those after it, where most of the time is waiting for memory that
 * other processes push out of the processor's caches; `hot` the median for 64 of them, where it is computing. What counts is CPU time (user and system), so that
 * other processes disturb little; run it several times nevertheless.
 */
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Responder } from '#answer/respond.ts';
import { ANSWER_CACHE_BYTES } from '#base/limits/answer.ts';
import { Control } from '#control/control.ts';
import { Publisher } from '#control/publish/publisher.ts';
import { nameOf } from '#dns/name.ts';
import { type StoreReader, openReader } from '#store/reader.ts';
import { openWriter } from '#store/writer.ts';
import { median, signedQuery } from './dns-probe.ts';
import { largeZone } from './large-zone.ts';

const NAMES = Number(process.argv[2] ?? 100_000);
const QUESTIONS = 20_000;
/** Questions that stay in the processor's caches. */
const FEW = 64;
const ROUNDS = Number(process.env['ROUNDS'] ?? 15);
const TYPE = { A: 1, NS: 2, MX: 15, TXT: 16 } as const;
const OUTPUT_BYTES = 1232;

/** Uniform in [0, 1), the same in every run. */
function draws(): () => number {
  let at = 0;
  return () => createHash('sha256').update(`draw ${at++}`).digest().readUInt32BE() / 2 ** 32;
}

async function makeStore(folder: string): Promise<void> {
  const writer = openWriter(folder, { kek: new Uint8Array(32).fill(7), random: (bytes) => randomBytes(bytes), nowMs: Date.now() });
  const control = new Control({
    writer,
    publisher: new Publisher(() => undefined),
    clock: { nowMs: () => Date.now() },
    random: (bytes) => randomBytes(bytes),
    outside: { lookup: () => Promise.resolve({ kind: 'nxdomain' }) },
    onFatal: (failure) => {
      throw failure;
    },
    version: '0.0.0',
    adminListener: '',
    socketPath: '',
    counterTable: {},
  });
  for (const [zone, dnssec] of [
    ['plain.example.', false],
    ['signed.example.', true],
  ] as const) {
    const text = [...largeZone(NAMES, zone)].join('\n') + '\n';
    const outcome = await control.run(
      { kind: 'zone.import', zone: nameOf(zone), text, file: zone, dnssec },
      { actor: { kind: 'system', id: 'bench', from: '' }, dryRun: false },
    );
    if (!outcome.ok) throw new Error(JSON.stringify(outcome.problems));
  }
  await writer.close();
}

/** Labels of owners of the kinds `from…to` (large-zone.ts). */
function owners(from: number, to: number, random: () => number): string[] {
  return Array.from({ length: QUESTIONS }, () => {
    const each = 20 * Math.floor((random() * (NAMES - 40)) / 20) + from + Math.floor(random() * (to - from));
    return `${createHash('sha256').update(String(each)).digest().toString('hex', 0, 4)}-${each}`;
  });
}

const random = draws();
const hosts = owners(0, 9, random);
const mail = owners(9, 12, random);
const cuts = owners(16, 18, random);
const missing = Array.from({ length: QUESTIONS }, (_, at) => createHash('sha256').update(`no ${at}`).digest().toString('hex', 0, 6));
/** The same question without DO. */
function unsignedQuery(name: string, type: number): Buffer {
  const query = signedQuery(name, type);
  query[query.length - 4] = 0;
  return query;
}
const plain = (labels: readonly string[], type: number) => labels.map((label) => unsignedQuery(`${label}.plain.example`, type));
const signed = (labels: readonly string[], type: number) => labels.map((label) => signedQuery(`${label}.signed.example`, type));
const below = (labels: readonly string[]) => labels.map((label, at) => `w${at}.${label}`);

const SCENARIOS: readonly (readonly [string, readonly Buffer[]])[] = [
  ['A unsigned', plain(hosts, TYPE.A)],
  ['A signed', signed(hosts, TYPE.A)],
  ['TXT unsigned', plain(mail, TYPE.TXT)],
  ['NODATA unsigned', plain(hosts, TYPE.MX)],
  ['NODATA signed', signed(hosts, TYPE.MX)],
  ['referral at cut', plain(cuts, TYPE.A)],
  ['referral below cut', plain(below(cuts), TYPE.A)],
  ['referral signed', signed(below(cuts), TYPE.A)],
  ['NXDOMAIN unsigned', plain(missing, TYPE.A)],
  ['NXDOMAIN signed', signed(missing, TYPE.A)],
];

/** Nanoseconds of CPU for each question of one round. */
function round(responder: Responder, questions: readonly Buffer[], outputs: readonly Uint8Array[]): number {
  const before = process.cpuUsage();
  for (let at = 0; at < questions.length; at++) {
    const query = questions[at]!;
    responder.respond(query, query.length, outputs[at & 31]!, 'udp');
  }
  const { user, system } = process.cpuUsage(before);
  return ((user + system) * 1000) / questions.length;
}

const kept = process.argv[3];
const only = process.argv[4];
const folder = kept ?? mkdtempSync(join(tmpdir(), 'waxseal-bench-'));
const store = join(folder, `store-${NAMES}`);
if (!existsSync(store)) {
  mkdirSync(folder, { recursive: true });
  await makeStore(store);
}
const reader: StoreReader = openReader(store);
const responder = new Responder(reader, { cacheBytes: ANSWER_CACHE_BYTES });
const outputs = Array.from({ length: 32 }, () => new Uint8Array(OUTPUT_BYTES));
// Each zone's names are read into memory once it was asked for something.
for (const zone of ['plain', 'signed']) {
  const query = signedQuery(`warm-up.${zone}.example`, TYPE.A);
  responder.respond(query, query.length, outputs[0]!, 'udp');
}
while (responder.work());
for (const [name, questions] of SCENARIOS) {
  if (only !== undefined && only !== name) continue;
  const cold = round(responder, questions, outputs);
  const wide = Array.from({ length: ROUNDS }, () => round(responder, questions, outputs));
  const few = Array.from({ length: QUESTIONS }, (_, at) => questions[at % FEW]!);
  const hot = Array.from({ length: ROUNDS }, () => round(responder, few, outputs));
  const [coldNs, wideNs, hotNs] = [cold, median(wide), median(hot)].map((ns) => `${ns.toFixed(0).padStart(6)} ns`);
  console.log(`${name.padEnd(20)} cold ${coldNs}   warm ${wideNs}   hot ${hotNs}`);
}
await reader.close();
if (kept === undefined) rmSync(folder, { recursive: true });
