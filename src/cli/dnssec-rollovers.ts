/** `waxseal dnssec roll, policy, timeline, hold, …`: rollovers of keys, and orders to them. */
import type { Command } from 'commander';
import { callApi } from './api-client.ts';
import { confirm, runChange } from './change.ts';
import { failure } from './failure.ts';
import { type ChangeOptions, type ReadOptions, changeCommand, readCommand } from './options.ts';
import { definePolicies, dryRunQuery } from './dnssec-policies.ts';
import { findServer } from './server-address.ts';
import { timelineSvg } from './timeline-svg.ts';
import { type Terminal, formatJson, formatLine, formatLines } from './terminal.ts';

export interface TimelineDocument {
  readonly zone: string;
  readonly nextRollAt?: string;
  readonly rollovers: readonly {
    readonly object: string;
    readonly stage: string;
    readonly out: readonly number[];
    readonly in: readonly number[];
    readonly beganAt: string;
    readonly earliestAt?: string;
    readonly steps: readonly {
      readonly from: string;
      readonly to: string;
      readonly at: string;
      readonly evidence: readonly string[];
    }[];
    readonly lines: readonly string[];
  }[];
}

type Reasoned = ChangeOptions & { readonly reason: string };

export function defineRollovers(noun: Command, terminal: Terminal): void {
  readCommand(
    noun
      .command('timeline <zone>')
      .description('the rollovers under way: what was done when, and what is waited for')
      .option('--svg', 'as a picture'),
    'waxseal dnssec timeline example.com --svg > timeline.svg',
  ).action(async (zone: string, options: ReadOptions & { readonly svg?: boolean }) => {
    const timeline = await callApi<TimelineDocument>(await findServer(options, terminal), {
      path: ['zones', zone, 'dnssec', 'timeline'],
    });
    if (options.svg === true && options.json === true)
      throw failure('CLI_USAGE', '--svg and --json are two forms: give one');
    if (options.svg === true) return terminal.out(timelineSvg(timeline.zone, timeline.rollovers, Date.now()));
    terminal.out(options.json === true ? formatJson(timeline) : formatTimeline(timeline));
  });

  changeCommand(
    noun
      .command('roll <zone>')
      .description('roll a key: a new one takes its place step by step')
      .option('--role <role>', 'csk, ksk or zsk', 'csk')
      .option(
        '--emergency [safe|now]',
        'the key is compromised: safe keeps the chain of trust, now takes the key out at once and breaks it',
      ),
    'waxseal dnssec roll example.com --role zsk',
  ).action((zone: string, options: ChangeOptions & { readonly role: string; readonly emergency?: string | true }) =>
    roll(zone, options, terminal),
  );

  definePolicies(noun, terminal);
  defineOrders(noun, terminal);
  defineClock(noun, terminal);
}

/** An emergency: what it leads to is shown before the question. */
async function roll(
  zone: string,
  options: ChangeOptions & { readonly role: string; readonly emergency?: string | true },
  terminal: Terminal,
): Promise<void> {
  const { role } = options;
  const emergency = options.emergency === true ? 'safe' : options.emergency;
  const path = ['zones', zone, 'dnssec', 'roll'];
  const request = { method: 'POST', path, json: { role, emergency } } as const;
  if (emergency !== undefined && options.yes !== true && options.dryRun !== true) {
    const query = { dryRun: '1' };
    const { consequences = [] } = await callApi<ConsequencesDocument>(await findServer(options, terminal), {
      ...request,
      query,
    });
    for (const line of consequences) terminal.err(formatLine(`- ${line}`));
    const how = emergency === 'now' ? 'and break its chain of trust for that time' : 'and keep its chain of trust';
    await confirm(`roll the ${role.toUpperCase()} of ${zone} ${how}`, options, terminal);
  }
  await runChange(request, options, terminal);
}

interface ConsequencesDocument {
  readonly consequences?: readonly string[];
}

function defineClock(noun: Command, terminal: Terminal): void {
  changeCommand(
    noun
      .command('accept-clock')
      .description('say that the clock is right after a jump, so that signing goes by it')
      .requiredOption('--reason <text>', 'for the audit log'),
    'waxseal dnssec accept-clock --reason "the battery was empty; NTP has set it"',
  ).action(async (options: Reasoned) => {
    await confirm('take the clock as right, and sign by it', options, terminal);
    const json = { action: 'accept-clock', reason: options.reason };
    const path = ['dnssec', 'orders'];
    await callApi(await findServer(options, terminal), { method: 'POST', path, json, ...dryRunQuery(options) });
    terminal.out(options.json === true ? formatJson({}) : formatLine('signing goes by the clock as it is'));
  });
}

function defineOrders(noun: Command, terminal: Terminal): void {
  const send = (zone: string, json: Readonly<Record<string, unknown>>, options: ChangeOptions): Promise<void> =>
    runChange({ method: 'POST', path: ['zones', zone, 'dnssec', 'orders'], json }, options, terminal);
  const reasoned = (name: string, description: string, example: string) =>
    changeCommand(
      noun.command(name).description(description).requiredOption('--reason <text>', 'for the audit log'),
      example,
    );

  reasoned(
    'hold [zone] [object]',
    'stop one rollover, all of a zone, or (--all) those of all zones, until resume',
    'waxseal dnssec hold --all --reason "freeze before the holidays"',
  )
    .option('--all', 'of all zones')
    .action((zone: string | undefined, object: string | undefined, options: Reasoned & ForAll) =>
      isForAll(zone, options)
        ? holdAll({ action: 'hold', reason: options.reason }, options, terminal)
        : send(zone!, { action: 'hold', object, reason: options.reason }, options),
    );
  changeCommand(
    noun.command('resume [zone] [object]').description('end a hold').option('--all', 'the one of all zones'),
    'waxseal dnssec resume example.com',
  ).action((zone: string | undefined, object: string | undefined, options: ChangeOptions & ForAll) =>
    isForAll(zone, options)
      ? holdAll({ action: 'resume' }, options, terminal)
      : send(zone!, { action: 'resume', object }, options),
  );
  reasoned(
    'cancel <zone> <object>',
    'call a rollover off while nothing depends on its keys',
    'waxseal dnssec cancel example.com zsk-12345 --reason "not today"',
  ).action((zone: string, object: string, options: Reasoned) =>
    send(zone, { action: 'cancel', object, reason: options.reason }, options),
  );
  reasoned(
    'override <zone> <object> <wait>',
    'continue without a wait',
    'waxseal dnssec override example.com zsk-12345 served --reason "ns2 is gone for good"',
  ).action(async (zone: string, object: string, wait: string, options: Reasoned) => {
    await confirm(`continue with ${object} of ${zone} without waiting for ${wait}`, options, terminal);
    await send(zone, { action: 'override', object, wait, reason: options.reason }, options);
  });
  reasoned(
    'ds-seen <zone> <object>',
    'take the DS records that a rollover waits for as seen at every name server of the parent',
    'waxseal dnssec ds-seen example.com ksk-12345 --reason "seen with dig from outside"',
  ).action(async (zone: string, object: string, options: Reasoned) => {
    await confirm(
      `take it that the parent of ${zone} has the DS records of ${object}, and no other`,
      options,
      terminal,
    );
    await send(zone, { action: 'override', object, wait: 'ds', reason: options.reason }, options);
  });
}

interface ForAll {
  readonly all?: boolean;
}

function isForAll(zone: string | undefined, { all = false }: ForAll): boolean {
  if ((zone === undefined) !== all) throw failure('CLI_USAGE', 'a zone or --all is needed, and not both');
  return all;
}

async function holdAll(json: object, options: ChangeOptions, terminal: Terminal): Promise<void> {
  const { held } = await callApi<{ readonly held?: { readonly by: string; readonly reason: string } }>(
    await findServer(options, terminal),
    { method: 'POST', path: ['dnssec', 'orders'], json, ...dryRunQuery(options) },
  );
  if (options.json === true) return terminal.out(formatJson(held === undefined ? {} : { held }));
  const state = held === undefined ? 'move' : `are held by ${held.by}: ${held.reason}`;
  terminal.out(formatLine(`the rollovers of all zones ${options.dryRun === true ? 'would then ' : ''}${state}`));
}

/** What is under way, after the keys. */
export function formatRollovers({ rollovers, nextRollAt }: TimelineDocument): string {
  const next = nextRollAt === undefined ? [] : [`Next rollover: ${nextRollAt}`];
  return formatLines([...next, ...rollovers.flatMap(({ lines }) => lines)]);
}

function formatTimeline(document: TimelineDocument): string {
  const { zone, rollovers } = document;
  if (rollovers.length === 0) return `${formatLine(`${zone}: no rollover is under way`)}${formatRollovers(document)}`;
  const lines = rollovers.flatMap(({ object, out, in: incoming, beganAt, steps, lines: waits }) => [
    `${object}: keys ${out.join(', ') || 'none'} → ${incoming.join(', ') || 'none'}`,
    `  ${beganAt}  began`,
    ...steps.flatMap(({ from, to, at, evidence }) => [
      `  ${at}  ${from} → ${to}`,
      ...evidence.map((each) => `    ${each}`),
    ]),
    ...waits.map((line) => `  ${line}`),
  ]);
  return formatLines(lines);
}
