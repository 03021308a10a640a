/**
 * The `[alerts]` section of the configuration: where alerts are sent, and rules with other thresholds.
 * Not here: the rules (control/alerts/rules.ts), sending (control/alerts/).
 */
import { isAbsolute } from 'node:path';
import { type Static, Type } from 'typebox';
import { type IpPort, formatIpPort } from '#base/address.ts';
import { ALERT_COMMAND_WORDS_MAX, ALERT_RULES_MAX, ALERT_WEBHOOKS_MAX } from '#base/limits/alerts.ts';
import { formatDuration, parseDuration } from '#base/units.ts';
import { type ValueReaders } from './readers.ts';

export interface AlertSettings {
  /** URLs; https:, or http: inside `webhookNetworks`. */
  readonly webhooks: readonly string[];
  /** File of the key that their messages are signed with, absolute; undefined when there are none. */
  readonly webhookKeyFile: string | undefined;
  /** Networks that hosts outside cannot reach, and webhooks may. */
  readonly webhookNetworks: readonly string[];
  /** PEM of roots that are trusted beside the usual ones, absolute. */
  readonly webhookCaFile: string | undefined;
  /** A program, absolute, and its arguments; empty: none. */
  readonly command: readonly string[];
  readonly syslog: IpPort | undefined;
  /** By rule, as it was given: the rules know their units. */
  readonly rules: readonly RuleSetting[];
}

/** `RULE=off`, `RULE=THRESHOLD`, `RULE=THRESHOLD,FOR`. */
export interface RuleSetting {
  readonly rule: string;
  readonly isOff: boolean;
  readonly threshold?: number;
  readonly forMs?: number;
}

const TEXT = Type.String({ minLength: 1 });

export const AlertsSection = Type.Object(
  {
    webhooks: Type.Optional(Type.Array(TEXT, { maxItems: ALERT_WEBHOOKS_MAX })),
    webhook_key_file: Type.Optional(TEXT),
    webhook_networks: Type.Optional(Type.Array(Type.String(), { maxItems: 64 })),
    webhook_ca_file: Type.Optional(TEXT),
    command: Type.Optional(Type.Array(TEXT, { maxItems: ALERT_COMMAND_WORDS_MAX })),
    syslog: Type.Optional(TEXT),
    rules: Type.Optional(Type.Array(TEXT, { maxItems: ALERT_RULES_MAX })),
  },
  { additionalProperties: false },
);

const RULE_FORM = 'a rule like DNS_SLOW=off, CERTIFICATE_ENDING=7d or SECONDARY_BEHIND=0,2h';

export function settleAlerts(section: Static<typeof AlertsSection> = {}, readers: ValueReaders): AlertSettings {
  const { reject, path, networks, read, one } = readers;
  const { webhooks = [], webhook_key_file: keyFile, webhook_ca_file: caFile, command = [], rules = [] } = section;
  for (const [index, url] of webhooks.entries()) {
    const why = urlFault(url);
    // What stands in a URL may be a secret: only its host is shown.
    const shown = URL.canParse(url) ? JSON.stringify(new URL(url).host) : `number ${index + 1}`;
    if (why !== undefined) reject('alerts.webhooks', `${shown} ${why}`);
  }
  if (webhooks.length > 0 && keyFile === undefined)
    reject(
      'alerts.webhooks',
      'alerts.webhooks needs alerts.webhook_key_file: receivers know by the signature who sends',
    );
  const [program] = command;
  if (program !== undefined && !isAbsolute(program))
    reject(
      'alerts.command',
      `alerts.command begins with ${JSON.stringify(program)}: it has to be the absolute path of a program`,
    );
  return {
    webhooks,
    webhookKeyFile: keyFile === undefined ? undefined : path('alerts.webhook_key_file', keyFile),
    webhookNetworks: networks('alerts.webhook_networks', section.webhook_networks ?? []),
    webhookCaFile: caFile === undefined ? undefined : path('alerts.webhook_ca_file', caFile),
    command,
    syslog: section.syslog === undefined ? undefined : one('alerts.syslog', section.syslog),
    rules: rules.flatMap((text, index) => read('alerts.rules', text, parseRule, RULE_FORM, index) ?? []),
  };
}

function urlFault(text: string): string | undefined {
  if (!URL.canParse(text)) return 'is not a URL';
  const { protocol, username, password, hash } = new URL(text);
  if (protocol !== 'https:' && protocol !== 'http:') return 'is not an https: URL';
  if (username !== '' || password !== '') return 'has a user or a password in it, which are not sent';
  return hash === '' ? undefined : 'has a fragment in it, which is not sent';
}

function parseRule(text: string): RuleSetting | undefined {
  const [, rule, value, duration] = /^([A-Z][A-Z0-9_]*)=([^,]+)(?:,([^,]+))?$/.exec(text) ?? [];
  if (rule === undefined || value === undefined) return undefined;
  if (value === 'off') return duration === undefined ? { rule, isOff: true } : undefined;
  const threshold = /^-?[0-9]+(\.[0-9]+)?$/.test(value) ? Number(value) : secondsOf(value);
  const forMs = duration === undefined ? undefined : parseDuration(duration);
  if (threshold === undefined || (duration !== undefined && forMs === undefined)) return undefined;
  return { rule, isOff: false, threshold, ...(forMs === undefined ? {} : { forMs }) };
}

function secondsOf(text: string): number | undefined {
  const ms = parseDuration(text);
  return ms === undefined ? undefined : ms / 1000;
}

/** The section for `config show`; URLs without what may be a secret. */
export function describeAlerts(settings: AlertSettings): Record<string, unknown> {
  const { webhooks, webhookKeyFile, webhookNetworks, webhookCaFile, command, syslog, rules } = settings;
  return {
    webhooks: webhooks.map((url) => `${new URL(url).origin}/…`),
    ...(webhookKeyFile === undefined ? {} : { webhook_key_file: webhookKeyFile }),
    webhook_networks: webhookNetworks,
    ...(webhookCaFile === undefined ? {} : { webhook_ca_file: webhookCaFile }),
    command,
    syslog: syslog === undefined ? 'off' : formatIpPort(syslog),
    rules: rules.map(ruleText),
  };
}

function ruleText({ rule, isOff, threshold, forMs }: RuleSetting): string {
  return `${rule}=${isOff ? 'off' : threshold}${forMs === undefined ? '' : `,${formatDuration(forMs)}`}`;
}
