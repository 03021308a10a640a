/** `waxseal dnssec policy`: what keys a zone shall have, by a policy of its own or by one with a name. */
import type { Command } from 'commander';
import { callApi } from './api-client.ts';
import { runChange } from './change.ts';
import { type AnswerProblem, failure, formatAnswerWarning } from './failure.ts';
import { type ChangeOptions, type ReadOptions, changeCommand, readCommand } from './options.ts';
import { findServer } from './server-address.ts';
import { type Terminal, formatFields, formatJson, formatLine, formatLines, formatTable } from './terminal.ts';

interface PolicyDocument {
  readonly name: string;
  readonly policy: Readonly<Record<string, string | number | readonly string[]>>;
  readonly zones: number;
}

interface ChangedDocument extends PolicyDocument {
  readonly changed: boolean;
  readonly dryRun: boolean;
  readonly plan: readonly string[];
  readonly warnings: readonly AnswerProblem[];
}

export function definePolicies(noun: Command, terminal: Terminal): void {
  const policy = changeCommand(
    withFields(
      noun.command('policy [zone]').description('what keys a zone shall have; what is not given stays'),
    ).option('--name <policy>', 'the named policy that it shall have, instead of one of its own'),
    'waxseal dnssec policy example.com --keys ksk+zsk --dry-run',
  ).action((zone: string | undefined, options: ChangeOptions & PolicyOptions) => {
    if (zone === undefined) throw failure('CLI_USAGE', 'a zone, or list, show, set or remove, is missing');
    const { name } = options;
    const json = name === undefined ? { policy: policyOf(options) } : { policyName: name };
    return runChange({ method: 'PATCH', path: ['zones', zone, 'dnssec'], json }, options, terminal);
  });

  // Otherwise its own --keys would take the one that stands behind `set`.
  policy.enablePositionalOptions();
  readCommand(policy.command('list').description('policies with names'), 'waxseal dnssec policy list').action(
    async (options: ReadOptions) => {
      const { policies } = await readPolicies(options, terminal);
      if (options.json === true) return terminal.out(formatJson({ policies }));
      const rows = policies.map(({ name, policy: { keys, algorithm }, zones }) => [
        name,
        String(keys),
        String(algorithm),
        String(zones),
      ]);
      terminal.out(formatTable(['POLICY', 'KEYS', 'ALGORITHM', 'ZONES'], rows));
    },
  );

  readCommand(policy.command('show <name>').description('one of them'), 'waxseal dnssec policy show default').action(
    async (name: string, options: ReadOptions) => {
      const { policies } = await readPolicies(options, terminal);
      const found = policies.find((each) => each.name === name);
      if (found === undefined)
        throw failure('DNSSEC_POLICY_NONE', `there is no key policy ${name}`, 'waxseal dnssec policy list');
      terminal.out(options.json === true ? formatJson(found) : formatPolicy(found));
    },
  );

  changeCommand(
    withFields(policy.command('set <name>').description('make one, or change it with all zones that have it')),
    'waxseal dnssec policy set default --keys ksk+zsk --dry-run',
  ).action((name: string, options: ChangeOptions & PolicyOptions) =>
    change('PATCH', name, policyOf(options), options, terminal),
  );

  changeCommand(
    policy.command('remove <name>').description('remove one that no zone has'),
    'waxseal dnssec policy remove customers',
  ).action((name: string, options: ChangeOptions) => change('DELETE', name, undefined, options, terminal));
}

function withFields(command: Command): Command {
  return command
    .option('--keys <csk|ksk+zsk>', 'one key for all, or two')
    .option('--algorithm <number>', '13, 14, 15 or 16')
    .option('--ksk-lifetime <seconds>', 'of a KSK or CSK, or never')
    .option('--zsk-lifetime <seconds>', 'of a ZSK, or never')
    .option('--key-ttl <seconds>', 'TTL of DNSKEY, CDS and CDNSKEY')
    .option('--propagation <seconds>', 'by then every name server of the zone has a change')
    .option('--parent-propagation <seconds>', 'the same of the parent')
    .option('--parent-ds-ttl <seconds>', 'TTL of the DS, where the parent cannot be asked for it')
    .option('--validity <seconds>', 'how long signatures last')
    .option('--refresh <seconds>', 'a signature with less left is made anew')
    .option('--jitter <seconds>', 'ends of signatures are spread over this time')
    .option('--inception-offset <seconds>', 'signatures begin so long before they are made')
    .option('--parent-server <address...>', 'ADDR or ADDR:PORT of the parent, where it cannot be looked up');
}

async function readPolicies(
  options: ReadOptions,
  terminal: Terminal,
): Promise<{ readonly policies: readonly PolicyDocument[] }> {
  return callApi(await findServer(options, terminal), { path: ['dnssec', 'policies'] });
}

async function change(
  method: 'PATCH' | 'DELETE',
  name: string,
  json: object | undefined,
  options: ChangeOptions,
  terminal: Terminal,
): Promise<void> {
  const outcome = await callApi<ChangedDocument>(await findServer(options, terminal), {
    method,
    path: ['dnssec', 'policies', name],
    ...(json === undefined ? {} : { json }),
    ...dryRunQuery(options),
  });
  for (const each of outcome.warnings) terminal.err(formatAnswerWarning(each));
  if (options.json === true) return terminal.out(formatJson(outcome));
  const { changed, dryRun, zones, plan } = outcome;
  const what = changed ? (dryRun ? 'would be changed' : 'changed') : 'is that way already';
  terminal.out(formatLine(`key policy ${name} ${what}; zones that have it: ${zones}`));
  if (plan.length > 0) terminal.out(formatLines(['What follows:', ...plan.map((line) => `  ${line}`)]));
}

/** The query of a dry run, when it is one. */
export function dryRunQuery({ dryRun }: ChangeOptions): { readonly query?: Readonly<Record<string, string>> } {
  return dryRun === true ? { query: { dryRun: '1' } } : {};
}

function formatPolicy({ name, policy, zones }: PolicyDocument): string {
  const fields = Object.entries(policy).map(([field, value]) => [field, String(value)] as const);
  return formatFields([['policy', name], ...fields, ['zones', String(zones)]]);
}

interface PolicyOptions {
  readonly name?: string;
  readonly keys?: string;
  readonly algorithm?: string;
  readonly kskLifetime?: string;
  readonly zskLifetime?: string;
  readonly keyTtl?: string;
  readonly propagation?: string;
  readonly parentPropagation?: string;
  readonly parentDsTtl?: string;
  readonly validity?: string;
  readonly refresh?: string;
  readonly jitter?: string;
  readonly inceptionOffset?: string;
  readonly parentServer?: readonly string[];
}

/** The fields that were given. The server checks them. */
function policyOf(options: PolicyOptions): Readonly<Record<string, unknown>> {
  const number = (text: string | undefined): number | string | null | undefined => {
    if (text === undefined) return undefined;
    if (text === 'never' || text === 'default') return null;
    return /^\d{1,10}$/.test(text) ? Number(text) : text;
  };
  return {
    keys: options.keys,
    algorithm: number(options.algorithm),
    kskLifetimeSeconds: number(options.kskLifetime),
    zskLifetimeSeconds: number(options.zskLifetime),
    keyTtlSeconds: number(options.keyTtl),
    propagationSeconds: number(options.propagation),
    parentPropagationSeconds: number(options.parentPropagation),
    parentDsTtlSeconds: number(options.parentDsTtl),
    signatureValiditySeconds: number(options.validity),
    signatureRefreshSeconds: number(options.refresh),
    signatureJitterSeconds: number(options.jitter),
    inceptionOffsetSeconds: number(options.inceptionOffset),
    parentServers: options.parentServer,
  };
}
