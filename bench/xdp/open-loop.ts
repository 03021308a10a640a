/**
 * kxdpgun of Knot DNS as a second generator, which knows nothing of this project: it sends at a rate whatever comes back
 * (an open loop), by AF_XDP itself, from a source port of its own for each question.
 */
import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { coreTimes } from '../cores.ts';
import { type Random } from '../random.ts';
import { type Ask } from '../zone-sets.ts';
import { type Pair } from './contestants.ts';
import { SPACES, threadNapi } from './spaces.ts';

export interface OpenRun {
  /** Questions a second that were asked for. */
  readonly rate: number;
  /** Questions a second that were sent. */
  readonly offered: number;
  /** Part of them. */
  readonly answered: number;
  /** Part of the time that the server's core was busy. */
  readonly busy: number;
  /** Answers by rcode. */
  readonly rcodes: Readonly<Record<string, number>>;
}

export interface OpenLoad {
  /** Of writeOpenQueries. */
  readonly queries: string;
  readonly rate: number;
  readonly seconds: number;
  readonly cores: { readonly server: number; readonly generator: number };
  readonly nice: number;
}

/** Until its program is attached, and the thread that receives its answers is on the client's core. */
const SETTLE_MS = 300;
const LETTERS = 'abcdefghijklmnopqrstuvwxyz';

/** Its file of questions: name, type, and whether DNSSEC is wanted. Random octets are letters here. */
export function writeOpenQueries(
  file: string,
  count: number,
  ask: (random: Random) => Ask,
  random: Random,
  dnssecOk: boolean,
): void {
  const lines = Array.from({ length: count }, () => {
    const { name, type, random: octets = 0 } = ask(random);
    const letters = Array.from({ length: octets }, () => LETTERS[Math.floor(random() * LETTERS.length)]).join('');
    return `${letters}${name.slice(octets)}. ${type} ${dnssecOk ? 'D' : 'E'}\n`;
  });
  writeFileSync(file, lines.join(''));
}

/** Asks for that long. Throws with what kxdpgun said when it did not run to its end. */
export async function measureOpen(pair: Pair, load: OpenLoad): Promise<Omit<OpenRun, 'rate'>> {
  const { cores, nice, rate, seconds } = load;
  const peer = pair.device.replace('srv', 'cli');
  const duration = seconds + SETTLE_MS / 1000;
  const words = [
    '-t',
    String(duration),
    '-Q',
    String(rate),
    '-F',
    String(cores.generator),
    '-I',
    peer,
    '-i',
    load.queries,
  ];
  const child = spawn('ip', ['netns', 'exec', SPACES.client, 'kxdpgun', ...words, pair.address], { stdio: 'pipe' });
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (text: Buffer) => (said += text.toString('latin1')));
  const ended = new Promise((resolve) => void child.once('close', resolve));
  await sleep(SETTLE_MS);
  threadNapi(SPACES.client, peer, cores.generator, nice);
  const [before, fromMs] = [readFileSync('/proc/stat', 'latin1'), performance.now()];
  await sleep(1000 * seconds - SETTLE_MS);
  const [after, untilMs] = [readFileSync('/proc/stat', 'latin1'), performance.now()];
  await ended;
  const busy = coreTimes(after, cores.server).busy - coreTimes(before, cores.server).busy;
  return { ...readReport(said), busy: busy / ((untilMs - fromMs) / 1000) };
}

/** Its last lines. Throws when they are not there. */
export function readReport(said: string): Omit<OpenRun, 'busy' | 'rate'> {
  const number = (pattern: RegExp): number => {
    const found = pattern.exec(said)?.[1];
    if (found === undefined) throw new Error(`kxdpgun: no ${pattern.source} in: ${said}`);
    return Number(found);
  };
  const sent = number(/total queries:\s+(\d+)/);
  const rcodes = [...said.matchAll(/responded (\w+):\s+(\d+)/g)].map(
    ([, rcode, count]) => [rcode!, Number(count)] as const,
  );
  return {
    offered: number(/total queries:\s+\d+ \((\d+) pps\)/),
    answered: number(/total replies:\s+(\d+)/) / Math.max(1, sent),
    rcodes: Object.fromEntries(rcodes),
  };
}
