/**
 * `waxseal cert deploy-hook`: between an ACME client and a mail server. Announces the TLSA record of a new key, waits
 * until every cache can know it, has the certificate deployed, and reports it in use. Each run begins with what the
 * server knows, so a run that was killed, repeated, or comes late leads to the same end.
 * Implements: RFC 7671 §8.1.
 * Not here: which certificate (cert-hook-input.ts), which hosts (cert-hook-hosts.ts), which records
 * (cert-hook-plan.ts).
 */
import { type Command } from 'commander';
import { systemClock } from '#base/clock.ts';
import { CLI_HOOK_REPORT_MS, CLI_HOOK_WAIT_MS_DEFAULT } from '#base/limits/admin.ts';
import { parseDuration } from '#base/units.ts';
import { type HookCall, hookCall } from './cert-hook-call.ts';
import { runCommand } from './cert-hook-command.ts';
import { type HookTarget, findTargets } from './cert-hook-hosts.ts';
import { type HookInput, findInput, namesInPem, readPublicPem } from './cert-hook-input.ts';
import { isComing, planHost } from './cert-hook-plan.ts';
import { type Followed, waitUntilDeployable } from './cert-hook-wait.ts';
import { CommandFailure, failure } from './failure.ts';
import { type ReadOptions, readCommand } from './options.ts';
import { type ServerAddress, findServer } from './server-address.ts';
import { type Terminal, formatJson, formatLine } from './terminal.ts';

interface HookOptions extends ReadOptions {
  readonly zone?: string;
  readonly host?: readonly string[];
  readonly cert?: string;
  readonly deployed?: string;
  readonly then?: string;
  /** True without a duration. */
  readonly wait?: string | true;
  readonly dryRun?: boolean;
}

const HELP = `
Run by certbot (--deploy-hook, --pre-hook), lego (--run-hook, --renew-hook) and acme.sh (--reloadcmd, --renew-hook) it
finds the certificate and its names in their environment. It may be repeated at any time, and continues where it was.
Exit code 7: a key may not be used yet; run it again, or let it wait with --wait.`;

export function defineDeployHook(noun: Command, terminal: Terminal): void {
  readCommand(
    noun
      .command('deploy-hook')
      .description('announce the TLSA record of a new key, wait until it may be used, have it deployed, report it')
      .option('--zone <zone>', 'the zone of the hosts (default: found by their names)')
      .option('--host <host...>', 'mail hosts that use the certificate (default: its names that have TLSA records)')
      .option('--cert <file>', 'PEM of the new certificate, of the request for it, or of its public key')
      .option('--deployed <file>', 'the certificate in use so far: it says which of two keys is replaced')
      .option('--wait [duration]', 'wait until the key may be used, as in 6h (default: 1d); without it exit with 7')
      .option('--then <command>', 'run this when the key may be used; if it succeeds the key is reported in use')
      .option('--reason <text>', 'why, for the audit log')
      .option('--dry-run', 'show what would be done, do nothing'),
    "waxseal cert deploy-hook --zone example.com --host mx1 --cert fullchain.pem --wait --then 'postfix reload'",
  )
    .addHelpText('after', HELP)
    .action(async (options: HookOptions) => new Hook(options, await findServer(options, terminal), terminal).run());
}

/** What was done for one host. */
interface HostReport {
  readonly host: string;
  readonly port: number;
  readonly object: string;
  readonly did: 'unchanged' | 'announced' | 'waited' | 'activated';
  readonly notBefore?: string;
}

class Hook {
  readonly #options: HookOptions;
  readonly #call: HookCall;
  readonly #terminal: Terminal;
  readonly #hosts = new Map<string, HostReport>();
  #hasRun = false;
  /** Until then a server that does not answer is asked again. */
  #patientUntilMs = 0;

  constructor(options: HookOptions, server: ServerAddress, terminal: Terminal) {
    this.#options = options;
    this.#call = hookCall(server, systemClock, () => this.#patientUntilMs);
    this.#terminal = terminal;
  }

  async run(): Promise<void> {
    const { cert, zone, host, wait } = this.#options;
    const waitMs = wait === undefined ? 0 : wait === true ? CLI_HOOK_WAIT_MS_DEFAULT : parseDuration(wait);
    if (waitMs === undefined) throw failure('CLI_USAGE', `${String(wait)} is no duration`, 'as in 6h or 1d');
    this.#patientUntilMs = systemClock.nowMs() + waitMs;
    const input = findInput(cert, this.#terminal.environment);
    const pem = input.file === undefined ? undefined : readPublicPem(input.file, this.#terminal);
    const names = [...input.domains, ...(pem === undefined ? [] : namesInPem(pem))];
    const targets = await findTargets(this.#call, { zone, hosts: host, names });
    try {
      if (pem === undefined) await this.#waitForEarlier(targets, waitMs);
      else await this.#deploy(targets, pem, input, waitMs);
    } finally {
      this.#print();
    }
  }

  /** Before there is a certificate: an earlier key that still waits must come first. */
  async #waitForEarlier(targets: readonly HookTarget[], waitMs: number): Promise<void> {
    const coming = comingKeys(targets);
    if (coming.length === 0) return this.#say('no certificate is named, and no key is on its way: nothing to do');
    await this.#wait(coming, waitMs);
    this.#say('no certificate is named; the keys on their way may be used');
  }

  async #deploy(targets: readonly HookTarget[], pem: string, input: HookInput, waitMs: number): Promise<void> {
    const { then, dryRun, deployed } = this.#options;
    const old = deployed === undefined ? undefined : readPublicPem(deployed, this.#terminal);
    const plans = targets.map((target) => ({ target, plan: planHost(nameOf(target), target.items, pem, old) }));
    const problems = plans.flatMap(({ plan }) => (plan.ok ? [] : plan.problems));
    if (problems.length > 0) throw new CommandFailure(problems, { unchanged: true });
    if (targets.length === 0) this.#say('no host of this certificate has a TLSA record here: nothing to wait for');
    const following: Followed[] = [];
    for (const { target, plan } of plans) {
      if (!plan.ok) continue;
      if (plan.value.kind === 'unchanged') this.#note(target, { object: plan.value.object, did: 'unchanged' });
      else if (plan.value.kind === 'follow') following.push(followed(target, plan.value.object));
      else if (dryRun === true) this.#say(`${nameOf(target)}: would announce ${plan.value.record}`);
      else following.push(await this.#announce(target, plan.value));
    }
    // An earlier certificate that was never deployed.
    const known = new Set(following.map(({ object }) => object));
    for (const { host, object } of comingKeys(targets).filter((each) => !known.has(each.object)))
      this.#say(`${object} at ${host} is on its way too; if it will not be used: waxseal tlsa abandon`);
    if (dryRun === true) return this.#say(`nothing was done${then === undefined ? '' : `; would run: ${then}`}`);
    await this.#wait(following, waitMs);
    // Without a new key there may be a new certificate: the ACME client says so, or the file that is in use so far.
    const isRenewed = old === undefined ? input.client !== undefined : !isSameCertificate(old, pem);
    if (then === undefined) return this.#tellUnreported(following);
    if (following.length === 0 && !isRenewed) return this.#say('nothing is to be deployed');
    this.#say(`runs: ${then}`);
    await runCommand(then, this.#terminal);
    this.#hasRun = true;
    this.#patientUntilMs = Math.max(this.#patientUntilMs, systemClock.nowMs() + CLI_HOOK_REPORT_MS);
    for (const each of following) await this.#activate(each);
  }

  async #announce(target: HookTarget, plan: { readonly record: string; readonly replaces: string }): Promise<Followed> {
    const json = { key: plan.record, port: target.port, replaces: plan.replaces };
    const path = ['zones', target.zone, 'tlsa', target.host, 'next'];
    const { mail } = await this.#call<ChangeAnswer>({ method: 'POST', path, json });
    const object = mail?.object ?? '';
    const { notBefore } = mail ?? {};
    this.#note(target, { object, did: 'announced', ...(notBefore === undefined ? {} : { notBefore }) });
    return followed(target, object);
  }

  async #wait(following: readonly Followed[], waitMs: number): Promise<void> {
    if (following.length === 0) return;
    const limits = { waitMs, clock: systemClock };
    await waitUntilDeployable(this.#call, following, limits, (text) => this.#say(text));
    for (const each of following) this.#note(each, { object: each.object, did: 'waited' });
  }

  #tellUnreported(following: readonly Followed[]): void {
    for (const { zone, host, object } of following) {
      const report = `waxseal tlsa activated ${zone} ${host} ${object}`;
      this.#say(`when ${host} uses it: ${report}`);
    }
  }

  async #activate(each: Followed): Promise<void> {
    const path = ['zones', each.zone, 'tlsa', each.host, 'activated'];
    await this.#call({ method: 'POST', path, json: { object: each.object } });
    this.#note(each, { object: each.object, did: 'activated' });
  }

  /** Remembers what was done for a host, and says so. */
  #note({ host, port }: HostPort, { object, did, notBefore }: Omit<HostReport, keyof HostPort>): void {
    const name = nameOf({ host, port });
    this.#hosts.set(name, { host, port, object, did, ...(notBefore === undefined ? {} : { notBefore }) });
    const until = notBefore === undefined ? '' : `, not before ${notBefore}`;
    this.#say(`${name} ${object}: ${SAYINGS[did]}${until}`);
  }

  #say(text: string): void {
    if (this.#options.json !== true) this.#terminal.out(formatLine(text));
  }

  /** The one document of `--json`. */
  #print(): void {
    if (this.#options.json !== true) return;
    this.#terminal.out(formatJson({ hosts: [...this.#hosts.values()], ran: this.#hasRun }));
  }
}

const SAYINGS: Readonly<Record<HostReport['did'], string>> = {
  unchanged: 'the key is in use already',
  announced: 'its TLSA record is announced',
  waited: 'may be used now',
  activated: 'is reported in use; the record of the old key goes when no sender needs it',
};

interface ChangeAnswer {
  readonly mail?: { readonly object?: string; readonly notBefore?: string };
}

function followed({ zone, host, port }: HookTarget, object: string): Followed {
  return { zone, host, port, object };
}

type HostPort = Pick<HookTarget, 'host' | 'port'>;

function nameOf({ host, port }: HostPort): string {
  return `${host}:${port}`;
}

/** Keys that are to come at these hosts. */
function comingKeys(targets: readonly HookTarget[]): Followed[] {
  return targets.flatMap((target) => target.items.filter(isComing).map(({ object }) => followed(target, object)));
}

/** The first of each file: what comes after it is of others. */
function isSameCertificate(a: string, b: string): boolean {
  const first = (pem: string) => pem.slice(0, pem.indexOf('-----END')).replaceAll(/\s/g, '');
  return first(a) === first(b);
}
