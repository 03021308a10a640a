/**
 * From the configuration to rules and targets: rules with other thresholds, the key of webhooks from its file.
 * Not here: the form of the configuration (config/alerts.ts).
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { ALERT_KEY_BYTES_MAX, ALERT_KEY_BYTES_MIN, ALERT_KEY_FILE_BYTES_MAX } from '#base/limits/alerts.ts';
import { nearestWord } from '#base/nearest.ts';
import { NetworkSet, parseNetwork } from '#base/network.ts';
import { WHOLE, atPath } from '#base/place.ts';
import { type Problem, type Result, fail, ok, problem } from '#base/problem.ts';
import { type Resolver } from '#dns/resolver.ts';
import { type AlertSettings, type RuleSetting } from '#config/alerts.ts';
import { readRoots } from '#control/outside/resolver-of.ts';
import { commandTarget } from './command.ts';
import { ALERT_RULES, type AlertRule } from './rules.ts';
import { syslogTarget } from './syslog.ts';
import { type AlertTarget } from './targets.ts';
import { webhookTarget } from './webhook.ts';

export interface AlertParts {
  readonly rules: readonly AlertRule[];
  /** `resolver` finds the hosts of webhooks. */
  readonly targets: (resolver: Resolver, nowMs: () => number) => readonly AlertTarget[];
}

/** Reads the files that the settings name. */
export function alertPartsOf(settings: AlertSettings): Result<AlertParts> {
  const { webhooks, webhookKeyFile, webhookNetworks, webhookCaFile, command, syslog } = settings;
  const rules = rulesOf(settings.rules);
  const key = webhookKeyFile === undefined ? ok(new Uint8Array(0)) : readWebhookKey(webhookKeyFile);
  const roots = webhookCaFile === undefined ? ok(undefined) : readRoots(webhookCaFile, 'alerts.webhook_ca_file');
  if (!rules.ok || !key.ok || !roots.ok)
    return fail(...[rules, key, roots].flatMap((each) => (each.ok ? [] : each.problems)));
  const allowed = new NetworkSet(webhookNetworks.map((text) => parseNetwork(text)!));
  const [program, ...rest] = command;
  return ok({
    rules: rules.value,
    targets: (resolver, nowMs) => [
      ...webhooks.map((url) =>
        webhookTarget({ url, key: key.value, allowed, resolver, extraRoots: roots.value, nowMs }),
      ),
      ...(program === undefined ? [] : [commandTarget([program, ...rest])]),
      ...(syslog === undefined ? [] : [syslogTarget(syslog)]),
    ],
  });
}

function rulesOf(settings: readonly RuleSetting[]): Result<readonly AlertRule[]> {
  const ids = ALERT_RULES.map(({ id }) => id);
  const unknown = settings.filter(({ rule }) => !ids.includes(rule));
  if (unknown.length > 0) return fail(...unknown.map(({ rule }) => unknownRule(rule, ids)));
  const given = new Map(settings.map((each) => [each.rule, each]));
  return ok(
    ALERT_RULES.flatMap((rule) => {
      const { isOff = false, threshold = rule.threshold, forMs = rule.forMs } = given.get(rule.id) ?? {};
      return isOff ? [] : [{ ...rule, threshold, forMs }];
    }),
  );
}

function unknownRule(rule: string, ids: readonly string[]): Problem {
  const near = nearestWord(rule, ids);
  return problem('CONFIG_VALUE', WHOLE, `alerts.rules: there is no rule ${rule}`, {
    fix: near === undefined ? `rules: ${ids.join(', ')}` : `did you mean ${near}?`,
  });
}

/** Standard Webhooks: `whsec_` and 24 to 64 octets in base64. */
export function readWebhookKey(file: string): Result<Uint8Array> {
  const at = atPath(file, 'the key of webhooks');
  const make = `make one: (umask 077; printf 'whsec_%s' "$(openssl rand -base64 32)" > ${file})`;
  const refuse = (why: string, fix = make) => fail(problem('CONFIG_FILE', at, why, { fix }));
  let descriptor: number;
  try {
    descriptor = openSync(file, 'r');
  } catch (error) {
    return refuse(`cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
  try {
    const { mode } = fstatSync(descriptor);
    if ((mode & 0o077) !== 0)
      return refuse(`others may read it (mode ${(mode & 0o777).toString(8)})`, `chmod 600 ${file}`);
    const octets = Buffer.alloc(ALERT_KEY_FILE_BYTES_MAX + 1);
    const count = readSync(descriptor, octets);
    const text = octets.toString('latin1', 0, count).trim();
    octets.fill(0);
    const base64 = text.replace(/^whsec_/, '');
    const key = Buffer.from(base64, 'base64');
    const isGood = count <= ALERT_KEY_FILE_BYTES_MAX && /^[A-Za-z0-9+/]+={0,2}$/.test(base64);
    if (!isGood || key.length < ALERT_KEY_BYTES_MIN || key.length > ALERT_KEY_BYTES_MAX)
      return refuse(`is not whsec_ and ${ALERT_KEY_BYTES_MIN} to ${ALERT_KEY_BYTES_MAX} octets in base64`);
    return ok(new Uint8Array(key));
  } finally {
    closeSync(descriptor);
  }
}
