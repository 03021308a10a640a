/**
 * Zonemaster and dnsviz over a zone as it was at one moment, with its parent: an NSD serves both as they were, so that the zone itself goes on
 * meanwhile. A few judgements at a time.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { dig } from './dig.ts';
import { type Endpoint } from './exchange.ts';
import { nsdHead } from './peer-configs.ts';
import { quietPort } from './running-server.ts';
import { runTool, toolPath } from './tools.ts';
import { type Finding, zonemaster } from './zonemaster.ts';

export interface ZoneMoment {
  /** Below `example.`, with the last dot. */
  readonly zone: string;
  /** Signed zone files of the zone and of `example.`. */
  readonly text: string;
  readonly parent: string;
  /** RDATA of its DS records there. */
  readonly ds: readonly string[];
  /** Tags of Zonemaster that are no fault at this moment. */
  readonly allowed: readonly string[];
}

const AT_ONCE = 2;
let turns = 0;
const waiting: (() => void)[] = [];

/** What they find wrong; none: nothing. */
export async function judgeMoment(moment: ZoneMoment): Promise<readonly string[]> {
  if (turns >= AT_ONCE) await new Promise<void>((resolve) => void waiting.push(resolve));
  turns++;
  const folder = mkdtempSync(join(tmpdir(), 'waxseal-moment-'));
  writeFileSync(join(folder, 'zone'), moment.text);
  writeFileSync(join(folder, 'parent'), moment.parent);
  const port = await quietPort();
  const zoneText = (name: string, file: string): string => `zone:\n  name: ${name}\n  zonefile: ${file}\n`;
  const zones = `${zoneText(moment.zone, 'zone')}${zoneText('example.', 'parent')}`;
  writeFileSync(join(folder, 'nsd.conf'), `${nsdHead(folder, port)}remote-control:\n  control-enable: no\n${zones}`);
  const nsd = spawn(toolPath('nsd'), ['-d', '-c', join(folder, 'nsd.conf')], { stdio: 'ignore' });
  const ended = new Promise((resolve) => void nsd.once('exit', resolve));
  try {
    const server = { name: 'nsd', address: '127.0.0.1', port };
    for (let tries = 0; (await dig(server, [moment.zone, 'SOA', '+tries=1', '+time=1'])).status !== 'NOERROR'; tries++) {
      if (tries > 100) throw new Error('NSD does not serve what waxseal exported');
      await delay(50);
    }
    return [...(await zonemasterAt(server, moment)), ...(await dnsviz(server, moment, folder))];
  } finally {
    nsd.kill('SIGTERM');
    await ended;
    rmSync(folder, { recursive: true, force: true });
    turns--;
    waiting.shift()?.();
  }
}

/** Errors that Zonemaster finds. */
async function zonemasterAt(server: Endpoint, { zone, ds, allowed }: ZoneMoment): Promise<readonly string[]> {
  const name = zone.slice(0, -1);
  const words = ['--ns', `ns.${name}/127.0.0.1`, ...ds.flatMap((each) => ['--ds', each.split(' ').join(',')])];
  const found = await zonemaster(name, '127.0.0.1', [[server, '127.0.0.1']], ['DNSSEC'], words);
  // It says something of the DS records when it has looked.
  const isLooked = ds.length === 0 || found.some(({ tag }) => tag.startsWith('DS'));
  const isError = ({ level }: Finding): boolean => level === 'ERROR' || level === 'CRITICAL';
  const wrong = found.filter((each) => isError(each) && !allowed.includes(each.tag));
  const texts = wrong.map(({ tag, args }) => `${tag} ${JSON.stringify(args)}`);
  return isLooked ? texts : [...texts, `it did not look: ${JSON.stringify(found)}`];
}

/** Errors that dnsviz finds. Debian's takes no trust anchor: it needs another pygraphviz for that. */
async function dnsviz({ address, port }: Endpoint, { zone, ds }: ZoneMoment, folder: string): Promise<string[]> {
  const servers = ['-x', `example.+:${address}:${port}`, '-x', `${zone}+:${address}:${port}`];
  const probed = await runTool(toolPath('dnsviz'), ['probe', '-4', '-A', '-a', 'example.', ...servers, zone], { timeoutMs: 60_000 });
  writeFileSync(join(folder, 'probe.json'), probed.stdout);
  const words = ['grok', '-l', 'info', '-r', join(folder, 'probe.json')];
  const { code, stdout, stderr } = await runTool(toolPath('dnsviz'), words, { timeoutMs: 60_000 });
  if (code !== 0) return [`dnsviz ended with ${code}: ${probed.stderr}${stderr}`];
  // It says nothing about what it did not look at.
  const isJudged = stdout.includes(`"${zone}"`) && (ds.length === 0 || stdout.includes('"VALID"'));
  return isJudged && !stdout.includes('"errors"') ? [] : [stdout];
}
