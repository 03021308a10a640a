/**
 * A zone set made ready for the servers: zone files without signatures, waxseal's stores with them and without, and waxseal's signed zones
 * as files, which NSD, Knot and BIND serve, so that all answers are of one kind. Kept in the work folder for the next time.
 */
import { createHash } from 'node:crypto';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { AdminClient } from './admin-client.ts';
import { ALL_CORES } from './cores.ts';
import { freePort } from '../test/support/peers.ts';
import { Daemon } from './daemon.ts';
import { WAXSEAL_ROOT, waxsealEnvironment, waxsealWords } from './peers/waxseal-command.ts';
import { type ZoneSet } from './zone-sets.ts';

export interface ZoneFile {
  readonly name: string;
  readonly file: string;
}

/** A zone set as one kind of server wants it. */
export interface Prepared {
  readonly set: ZoneSet;
  readonly signed: boolean;
  readonly folder: string;
  /** Without signatures, for servers that sign themselves. */
  readonly plainFiles: readonly ZoneFile[];
  /** What is to be served: signed by waxseal, or the plain files. */
  readonly servedFiles: readonly ZoneFile[];
  /** Data directory of waxseal, to be copied. */
  readonly data: string;
  readonly kekFile: string;
}

/** Signatures are good for 14 days; those of a kept folder must outlast the measurement. */
const KEPT_MS_MAX = 5 * 24 * 3600 * 1000;
const IMPORTS_AT_ONCE = 4;
const CHUNK_BYTES = 1 << 20;

export async function prepare(set: ZoneSet, signed: boolean, work: string, say: (text: string) => void): Promise<Prepared> {
  const folder = join(work, set.id, signed ? 'signed' : 'plain');
  const zones = join(work, set.id, 'zones');
  const prepared: Prepared = {
    set,
    signed,
    folder,
    plainFiles: set.zones.map(({ name }) => ({ name, file: join(zones, `${name}.zone`) })),
    servedFiles: set.zones.map(({ name }) => ({ name, file: join(signed ? folder : zones, `${name}.zone`) })),
    data: join(folder, 'data'),
    kekFile: join(folder, 'kek'),
  };
  const mark = join(folder, 'made');
  const form = storeForm();
  if (existsSync(mark)) {
    const [madeAt, madeForm] = readFileSync(mark, 'utf8').split(' ');
    if (Date.now() - Number(madeAt) < KEPT_MS_MAX && madeForm === form) return prepared;
  }
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  mkdirSync(zones, { recursive: true });
  for (const [at, zone] of set.zones.entries()) {
    const { file } = prepared.plainFiles[at]!;
    if (!existsSync(file)) writeZoneFile(file, zone.lines());
  }
  const startedMs = performance.now();
  await fillStore(prepared);
  say(`${set.title}, ${signed ? 'signed' : 'not signed'}: in waxseal's store after ${seconds(performance.now() - startedMs)}`);
  writeFileSync(mark, `${Date.now()} ${form}`);
  return prepared;
}

/** Changes with the code that decides what a store looks like: a kept one of another version may not open. */
function storeForm(): string {
  const hash = createHash('sha256');
  for (const file of ['schema.ts', 'store.ts', 'node-codec.ts']) hash.update(readFileSync(join(WAXSEAL_ROOT, 'src/store', file)));
  return hash.digest('hex').slice(0, 16);
}

async function fillStore({ set, signed, folder, data, kekFile, plainFiles, servedFiles }: Prepared): Promise<void> {
  const port = await freePort();
  const { program, words } = waxsealWords({ data, port, udp: 'dgram', workers: 1 });
  const daemon = new Daemon(port, { program, words, cores: ALL_CORES, folder, environment: waxsealEnvironment(kekFile) });
  const api = new AdminClient(data);
  try {
    await api.ready();
    const waiting = set.zones.map((_, at) => at);
    const importSome = async (): Promise<void> => {
      for (let at = waiting.shift(); at !== undefined; at = waiting.shift()) {
        const { name, file } = plainFiles[at]!;
        const path = `/v1/zones/${name}/zonefile`;
        await api.call('PUT', signed ? path : `${path}?dnssec=off`, readFileSync(file, 'latin1'), 'text/dns');
        if (signed) await api.download(`${path}?signed=1`, servedFiles[at]!.file);
      }
    };
    await Promise.all(Array.from({ length: IMPORTS_AT_ONCE }, importSome));
  } finally {
    api.close();
    await daemon.stop();
  }
}

function writeZoneFile(file: string, lines: Iterable<string>): void {
  const handle = openSync(file, 'w');
  let chunk = '';
  for (const line of lines) {
    chunk += `${line}\n`;
    if (chunk.length < CHUNK_BYTES) continue;
    writeSync(handle, chunk);
    chunk = '';
  }
  writeSync(handle, chunk);
  closeSync(handle);
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
