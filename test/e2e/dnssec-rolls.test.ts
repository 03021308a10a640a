/**
 * Every kind of rollover for real, with times of seconds, all at once: the server as users run it, two NSDs as the parent, one of which lags and
 * does not answer for a while, and two unbounds, one that caches and one that does not, which ask all through: never SERVFAIL, never bogus.
 * Zonemaster and dnsviz judge some stages, as they were; all that were seen with WAXSEAL_JUDGE=all.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { delv, dig } from '../support/dig.ts';
import { type Endpoint, exchangeUdp } from '../support/exchange.ts';
import { type RolloverLab, startRolloverLab } from '../support/rollover-lab.ts';
import { type RunningServer, startServer } from '../support/running-server.ts';
import { judgeMoment } from '../support/stage-judges.ts';
import { putZones } from '../support/waxseal.ts';

const TEXT = '$TTL 2\n@ SOA ns host 1 3600 600 86400 2\n@ NS ns\nns A 192.0.2.1\nwww A 192.0.2.2\n*.w TXT "x"\n';
/** What happens to each zone, and the stages of its keys that must be seen, in order. */
const ZONES: Readonly<Record<string, { readonly seen: readonly string[]; readonly last: string }>> = {
  'zsk.example.': { seen: ['ksk 13 active, zsk 13 active, zsk 13 published'], last: 'ksk 13 active, zsk 13 active' },
  'ksk.example.': { seen: ['ksk 13 signing, zsk 13 active, ksk 13 submitted'], last: 'zsk 13 active, ksk 13 active' },
  'csk.example.': { seen: ['csk 13 active, csk 13 published', 'csk 13 signing, csk 13 submitted'], last: 'csk 13 active' },
  'alg.example.': { seen: ['csk 13 active, csk 15 presigned', 'csk 13 withdrawn, csk 15 active'], last: 'csk 15 active' },
  'leave.example.': { seen: ['csk 13 active'], last: '' },
  'nsec.example.': { seen: ['csk 13 active'], last: 'csk 13 active' },
};
const NAMES = Object.keys(ZONES);
const OPERATE_MS_MAX = 180_000;
/** Stages that Zonemaster and dnsviz judge in every run. */
const JUDGED: Readonly<Record<string, readonly string[]>> = {
  'zsk.example.': ['ksk 13 active, zsk 13 active, zsk 13 published'],
  'ksk.example.': ['ksk 13 signing, zsk 13 active, ksk 13 submitted'],
  'csk.example.': ['csk 13 signing, csk 13 submitted', 'csk 13 retired, csk 13 active'],
  'alg.example.': ['csk 13 active, csk 15 presigned', 'csk 13 signing, csk 15 active'],
};
/** Without keys there is nothing to judge. */
const isJudged = (zone: string, stage: string): boolean =>
  (process.env['WAXSEAL_JUDGE'] === 'all' && stage !== '') || JUDGED[zone]?.includes(stage) === true;
/** RFC 6781 §4.1.4: signatures of an algorithm come before its key. Zonemaster calls them errors, all the same. */
const BEFORE_ITS_KEY: readonly string[] = ['DS09_NO_MATCHING_DNSKEY', 'DS10_NSEC_RRSIG_VERIFY_ERROR'];

let server: RunningServer;
let lab: RolloverLab;

beforeAll(async () => {
  server = await startServer();
  const fast = { keyTtlSeconds: 2, propagationSeconds: 1, parentPropagationSeconds: 3 };
  await patch('/v1/dnssec/policies/default', fast);
  await putZones(
    server,
    NAMES.map((name) => ({ name, text: TEXT })),
    'on',
  );
  lab = await startRolloverLab(server, NAMES);
  const parentServers = lab.parents.map(({ address, port }) => `${address}:${port}`);
  await patch('/v1/dnssec/policies/default', { parentServers });
  await patch('/v1/dnssec/policies/two', { ...fast, parentServers, keys: 'ksk+zsk' });
}, 180_000);

afterAll(async () => {
  await lab?.stop();
  await server?.stop();
}, 180_000);

async function patch(path: string, json: object): Promise<void> {
  const answer = await server.api('PATCH', path, JSON.stringify(json));
  if (!answer.ok) throw new Error(`${path}: ${await answer.text()}`);
}

async function post(zone: string, what: string, json: object): Promise<void> {
  const answer = await server.api('POST', `/v1/zones/${zone}/dnssec/${what}`, JSON.stringify(json));
  if (!answer.ok) throw new Error(`${zone} ${what}: ${await answer.text()}`);
}

async function stages(zone: string): Promise<string> {
  const { keys } = JSON.parse(await (await server.api('GET', `/v1/zones/${zone}/dnssec`)).text()) as {
    readonly keys: readonly { readonly role: string; readonly algorithm: number; readonly state: string }[];
  };
  return keys.map(({ role, algorithm, state }) => `${role} ${algorithm} ${state}`).join(', ');
}

/** RDATA of records at one server. */
async function rdata(at: Endpoint, zone: string, type: string): Promise<readonly string[]> {
  const { answer } = await dig(at, [zone, type]);
  const words = answer.map((line) => line.split(' '));
  return words.filter((each) => each[3] === type).map((each) => [...each.slice(4, 7), each.slice(7).join('')].join(' '));
}

/** The registrar: takes over what CDS asks for (RFC 7344 §4, RFC 8078 §4). */
class Registrar {
  readonly #given = new Map<string, string>();

  async follow(zone: string): Promise<void> {
    const cds = (await rdata(server, zone, 'CDS')).toSorted();
    if (cds.length === 0) return;
    const wanted = cds[0]!.startsWith('0 0 0') ? [] : cds;
    if (this.#given.get(zone) === wanted.join()) return;
    this.#given.set(zone, wanted.join());
    lab.setDs(zone, wanted);
  }
}

/** A question with DO and CD off: the header, one question, OPT. */
function question(name: string, type: number): Buffer {
  const labels = name.split('.').filter(Boolean);
  const qname = Buffer.concat([...labels.map((each) => Buffer.from([each.length, ...Buffer.from(each)])), Buffer.of(0)]);
  const header = Buffer.from([0, 0, 1, 0x20, 0, 1, 0, 0, 0, 0, 0, 1]);
  return Buffer.concat([header, qname, Buffer.of(0, type, 0, 1), Buffer.from([0, 0, 41, 0x04, 0xd0, 0, 0, 0x80, 0, 0, 0])]);
}

const ASKED = [
  ['', 6],
  ['', 48],
  ['www.', 1],
  ['a.w.', 16],
  ['nothing.', 1],
] as const;

/** What resolvers say that is not secure; NOERROR without AD is right for a zone that has left DNSSEC. */
async function faults(isLeft: (zone: string) => boolean): Promise<string[]> {
  const asked = NAMES.flatMap((zone) => ASKED.map(([label, type]) => ({ zone, name: `${label}${zone}`, type })));
  const queries = asked.map(({ name, type }) => question(name, type));
  const found = await Promise.all(
    Object.values(lab.resolvers).map(async (resolver) => {
      const replies = await exchangeUdp(resolver, queries, { timeoutMs: 4000, attempts: 2 });
      return replies.flatMap((reply, at) => {
        const { zone, name, type } = asked[at]!;
        const rcode = reply === undefined ? -1 : reply[3]! & 15;
        const isSecure = reply !== undefined && (reply[3]! & 0x20) !== 0;
        const isRight = (rcode === 0 || rcode === 3) && (isSecure || isLeft(zone));
        return isRight ? [] : [`${resolver.name} ${name} ${type}: rcode ${rcode}${isSecure ? '' : ', not secure'}`];
      });
    }),
  );
  return found.flat();
}

/** What was seen, loop by loop. */
interface Seen {
  /** Stages of each zone, in order. */
  readonly stages: Map<string, string[]>;
  readonly begun: Set<string>;
  readonly bogus: string[];
  /** Judgements under way, by zone and stage. */
  readonly looks: Map<string, Promise<readonly string[]>>;
}

async function begin(zone: string): Promise<void> {
  // By the command line once: as the operator does, with what follows.
  if (zone === 'csk.example.') {
    const { exit, out, err } = await server.cli('dnssec', 'roll', zone, '--role', 'csk');
    expect([exit, err, out.includes('What follows:')]).toEqual([0, '', true]);
  }
  if (zone === 'alg.example.') await patch(`/v1/zones/${zone}/dnssec`, { policy: { algorithm: 15 } });
  if (zone === 'leave.example.') await patch(`/v1/zones/${zone}/dnssec`, { dnssec: 'off', whenSafe: true });
  if (zone === 'zsk.example.') await post(zone, 'roll', { role: 'zsk' });
  if (zone === 'ksk.example.') await post(zone, 'roll', { role: 'ksk' });
}

/** The operator and the registrar of one zone: looks at its stages, and does what is to be done, until it is where it shall be. */
async function operate(zone: string, seen: Seen, registrar: Registrar): Promise<void> {
  const startedMs = Date.now();
  const past = seen.stages.get(zone)!;
  const isReady = (now: string): boolean =>
    now === 'csk 13 active' ? !/^[zk]sk/.test(zone) && Date.now() - startedMs > 5000 : now === 'ksk 13 active, zsk 13 active';
  const look = async (): Promise<string> => {
    const now = await stages(zone);
    if (past.at(-1) !== now) past.push(now);
    const id = `${zone} ${now}`;
    const found = isJudged(zone, now) && !seen.looks.has(id) ? await momentOf(zone, now) : undefined;
    if (found !== undefined) seen.looks.set(id, judgeMoment(found));
    return now;
  };
  while (Date.now() - startedMs < OPERATE_MS_MAX) {
    const now = await look();
    if (seen.begun.has(zone) && now === ZONES[zone]!.last) return;
    if (!seen.begun.has(zone) && isReady(now)) {
      await begin(zone);
      await look();
      seen.begun.add(zone);
    }
    await registrar.follow(zone);
    await delay(100);
  }
}

/** RFC 5155 §10.4, §10.5: to NSEC3 and back, while resolvers hold proofs of both kinds. */
async function switchDenial(hasEnded: () => boolean): Promise<void> {
  for (let turn = 0; !hasEnded(); turn++) {
    await patch('/v1/zones/nsec.example./dnssec', { denial: turn % 2 === 0 ? 'nsec3' : 'nsec' });
    await delay(1500);
  }
}

/** Resolvers and delv ask all through. In the leaving zone's last seconds its DS is gone: not secure is right, SERVFAIL is not. */
async function askAll({ begun, bogus }: Seen, hasEnded: () => boolean): Promise<void> {
  await delay(5000);
  for (let turn = 0; !hasEnded(); turn++) {
    bogus.push(...(await faults((zone) => zone === 'leave.example.' && begun.has(zone))));
    const [zone, name] = pick(turn);
    const judged = zone === 'leave.example.' && begun.has(zone) ? undefined : await judge(zone, name);
    if (judged !== undefined) bogus.push(judged);
    await delay(100);
  }
}

test('ZSK, KSK, CSK, algorithm, NSEC3, leaving DNSSEC: every answer of both resolvers is secure at every moment', async () => {
  const registrar = new Registrar();
  for (const zone of NAMES) await registrar.follow(zone);
  for (const zone of ['zsk.example.', 'ksk.example.']) await patch(`/v1/zones/${zone}/dnssec`, { policyName: 'two' });
  const seen: Seen = { stages: new Map(NAMES.map((zone) => [zone, []])), begun: new Set(), bogus: [], looks: new Map() };
  let hasEnded = false;
  const others = [askAll(seen, () => hasEnded), switchDenial(() => hasEnded), delay(8000).then(() => lab.fail(2500))];
  try {
    await Promise.all(NAMES.map((zone) => operate(zone, seen, registrar)));
  } finally {
    hasEnded = true;
    await Promise.all(others);
  }
  expect([...new Set(seen.bogus)]).toEqual([]);
  for (const zone of NAMES) {
    const past = seen.stages.get(zone)!;
    expect([zone, past.at(-1)]).toEqual([zone, ZONES[zone]!.last]);
    expect(past).toEqual(expect.arrayContaining([...ZONES[zone]!.seen]));
  }
  const judged = Object.entries(JUDGED).flatMap(([zone, all]) => all.map((stage) => `${zone} ${stage}`));
  expect([...seen.looks.keys()]).toEqual(expect.arrayContaining(judged));
  const found = await Promise.all([...seen.looks].map(async ([look, faulty]) => (await faulty).map((fault) => `${look}: ${fault}`)));
  expect(found.flat()).toEqual([]);
}, 400_000);

/** The zone with its parent, as they are now; undefined: it has gone on meanwhile. */
async function momentOf(zone: string, stage: string) {
  const parent = lab.parentText();
  const text = await (await server.api('GET', `/v1/zones/${zone}/zonefile?signed=1`)).text();
  if ((await stages(zone)) !== stage || lab.parentText() !== parent) return undefined;
  const ds = parent
    .split('\n')
    .map((line) => line.split(/\s+/))
    .filter(([owner, , , type]) => owner === zone && type === 'DS')
    .map((words) => [...words.slice(4, 7), words.slice(7).join('').replace(/;.*/, '')].join(' '));
  return { zone, text, parent, ds, allowed: stage.includes('presigned') ? BEFORE_ITS_KEY : [] };
}

function pick(turn: number): readonly [string, string] {
  const zone = NAMES[turn % NAMES.length]!;
  return [zone, `${ASKED[turn % ASKED.length]![0]}${zone}`];
}

/** delv with the DS records that the parent's first server has now. */
async function judge(zone: string, name: string): Promise<string | undefined> {
  const ds = (await rdata(lab.parents[0], zone, 'DS')).map((each) => `${zone} 2 IN DS ${each}`);
  if (ds.length === 0) return undefined;
  const { isValid, text } = await delv(server, zone, ds, name, 'A');
  return isValid ? undefined : `delv ${name}: ${text}`;
}
