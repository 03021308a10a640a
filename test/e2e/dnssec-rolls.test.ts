/**
 * Every kind of rollover for real, with times of seconds, all at once: the server as users run it, two NSDs as the parent, one of which lags and
 * does not answer for a while, and two unbounds, one that caches and one that does not, which ask all through: never SERVFAIL, never bogus.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { delv, dig } from '../support/dig.ts';
import { type Endpoint, exchangeUdp } from '../support/exchange.ts';
import { type RolloverLab, startRolloverLab } from '../support/rollover-lab.ts';
import { type RunningServer, startServer } from '../support/running-server.ts';
import { runTool, toolPath } from '../support/tools.ts';
import { putZones } from '../support/waxseal.ts';
import { type Finding, zonemaster } from '../support/zonemaster.ts';

const TEXT = '$TTL 2\n@ SOA ns host 1 3600 600 86400 2\n@ NS ns\nns A 192.0.2.1\nwww A 192.0.2.2\n*.w TXT "x"\n';
/** What happens to each zone, and the stages of its keys that must be seen, in order. */
const ZONES: Readonly<Record<string, { readonly seen: readonly string[]; readonly last: string }>> = {
  'zsk.example.': { seen: ['ksk 13 active, zsk 13 active, zsk 13 published'], last: 'ksk 13 active, zsk 13 active' },
  'ksk.example.': { seen: ['ksk 13 signing, zsk 13 active, ksk 13 submitted'], last: 'zsk 13 active, ksk 13 active' },
  'csk.example.': { seen: ['csk 13 active, csk 13 published', 'csk 13 signing, csk 13 submitted'], last: 'csk 13 active' },
  'alg.example.': { seen: ['csk 13 active, csk 15 presigned', 'csk 13 withdrawn, csk 15 active'], last: 'csk 15 active' },
  'leave.example.': { seen: ['csk 13 active'], last: '' },
};
const NAMES = Object.keys(ZONES);
/** Stages in which Zonemaster and dnsviz look at the zone; it is held for that long. */
const JUDGED: Readonly<Record<string, readonly string[]>> = {
  'csk.example.': ['csk 13 active, csk 13 published', 'csk 13 signing, csk 13 submitted', 'csk 13 retired, csk 13 active'],
  'alg.example.': ['csk 13 active, csk 15 presigned'],
};
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

test('ZSK, KSK, CSK, algorithm, leaving DNSSEC: every answer of both resolvers is secure at every moment', async () => {
  const registrar = new Registrar();
  for (const zone of NAMES) await registrar.follow(zone);
  for (const zone of ['zsk.example.', 'ksk.example.']) await patch(`/v1/zones/${zone}/dnssec`, { policyName: 'two' });
  const seen = new Map(NAMES.map((zone) => [zone, [] as string[]]));
  const begun = new Set<string>();
  const left = new Set<string>();
  const bogus: string[] = [];
  let failing: Promise<void> | undefined;
  const looks = new Map<string, Promise<readonly string[]>>();
  const begin = async (zone: string): Promise<void> => {
    // By the command line once: as the operator does, with what follows.
    if (zone === 'csk.example.') {
      const { exit, out, err } = await server.cli('dnssec', 'roll', zone, '--role', 'csk');
      expect([exit, err, out.includes('What follows:')]).toEqual([0, '', true]);
    }
    if (zone === 'alg.example.') await patch(`/v1/zones/${zone}/dnssec`, { policy: { algorithm: 15 } });
    if (zone === 'leave.example.') await patch(`/v1/zones/${zone}/dnssec`, { dnssec: 'off', whenSafe: true });
    if (zone === 'zsk.example.') await post(zone, 'roll', { role: 'zsk' });
    if (zone === 'ksk.example.') await post(zone, 'roll', { role: 'ksk' });
  };
  const startedMs = Date.now();
  const isReady = (zone: string, now: string): boolean =>
    now === 'csk 13 active' ? !/^[zk]sk/.test(zone) && Date.now() - startedMs > 5000 : now === 'ksk 13 active, zsk 13 active';
  for (let turn = 0; turn < 400; turn++) {
    for (const zone of NAMES) {
      const now = await stages(zone);
      const past = seen.get(zone)!;
      if (past.at(-1) !== now) past.push(now);
      const look = `${zone} ${now}`;
      if (JUDGED[zone]?.includes(now) === true && !looks.has(look)) looks.set(look, judgedAt(zone, now));
      if (!begun.has(zone) && isReady(zone, now)) {
        begun.add(zone);
        await begin(zone);
      }
      await registrar.follow(zone);
    }
    // In the leaving zone's last seconds its DS is gone from the parent: not secure is right, SERVFAIL is not.
    if (begun.has('leave.example.')) left.add('leave.example.');
    if (Date.now() - startedMs > 5000) bogus.push(...(await faults((zone) => left.has(zone))));
    const [zone, name] = pick(turn);
    const judged = begun.has('leave.example.') && zone === 'leave.example.' ? undefined : await judge(zone, name);
    if (judged !== undefined) bogus.push(judged);
    if (begun.has('csk.example.') && failing === undefined) failing = lab.fail(2500);
    if (begun.size === NAMES.length && NAMES.every((each) => seen.get(each)!.at(-1) === ZONES[each]!.last)) break;
    await delay(100);
  }
  await failing;
  expect([...new Set(bogus)]).toEqual([]);
  for (const zone of NAMES) {
    expect([zone, seen.get(zone)!.at(-1)]).toEqual([zone, ZONES[zone]!.last]);
    expect(seen.get(zone)).toEqual(expect.arrayContaining([...ZONES[zone]!.seen]));
  }
  const judged = Object.entries(JUDGED).flatMap(([zone, all]) => all.map((stage) => `${zone} ${stage}`));
  expect([...looks.keys()].toSorted()).toEqual(judged.toSorted());
  for (const [look, found] of looks) expect([look, await found]).toEqual([look, []]);
}, 240_000);

/** What other validators find wrong with the zone as it is now, which is held meanwhile. */
async function judgedAt(zone: string, stage: string): Promise<readonly string[]> {
  await post(zone, 'orders', { action: 'hold', reason: 'others look' });
  const allowed = stage.includes('presigned') ? BEFORE_ITS_KEY : [];
  const found = [...(await zonemasterAt(zone, allowed)), ...(stage.includes('submitted') ? await dnsviz(zone) : [])];
  await post(zone, 'orders', { action: 'resume' });
  return found;
}

/** Errors that Zonemaster finds, with the DS records that the parent has now. */
async function zonemasterAt(zone: string, allowed: readonly string[]): Promise<readonly string[]> {
  const ds = await rdata(lab.parents[0], zone, 'DS');
  const name = zone.slice(0, -1);
  const words = ['--ns', `ns.${name}/127.0.0.1`, ...ds.flatMap((each) => ['--ds', each.split(' ').join(',')])];
  const found = await zonemaster(name, '127.0.0.1', [[server, '127.0.0.1']], ['DNSSEC'], words);
  // It says something of the DS records when it has looked.
  const isLooked = found.some(({ tag }) => tag.startsWith('DS'));
  const isError = ({ level }: Finding): boolean => level === 'ERROR' || level === 'CRITICAL';
  const wrong = found.filter((each) => isError(each) && !allowed.includes(each.tag));
  const texts = wrong.map(({ tag, args }) => `${tag} ${JSON.stringify(args)}`);
  return isLooked ? texts : [...texts, `it did not look: ${JSON.stringify(found)}`];
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

/** Errors that dnsviz finds with both keys in the zone. Debian's takes no trust anchor: it needs another pygraphviz for that. */
async function dnsviz(zone: string): Promise<string[]> {
  const at = ({ address, port }: Endpoint): string => `${address}:${port}`;
  const servers = ['-x', `example.+:${at(lab.parents[0])}`, '-x', `${zone}+:${at(server)}`];
  const probed = await runTool(toolPath('dnsviz'), ['probe', '-4', '-A', '-a', 'example.', ...servers, zone], { timeoutMs: 60_000 });
  writeFileSync(join(server.folder, 'probe.json'), probed.stdout);
  const words = ['grok', '-l', 'info', '-r', join(server.folder, 'probe.json')];
  const { code, stdout, stderr } = await runTool(toolPath('dnsviz'), words, { timeoutMs: 60_000 });
  if (code !== 0) return [`dnsviz ended with ${code}: ${probed.stderr}${stderr}`];
  // It says nothing about what it did not look at.
  const isJudged = stdout.includes(`"${zone}"`) && stdout.includes('"VALID"');
  return isJudged && !stdout.includes('"errors"') ? [] : [stdout];
}
