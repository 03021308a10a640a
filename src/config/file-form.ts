/**
 * The form of `waxseal.toml`: every section and key. Durations, sizes and addresses are strings here and are read by
 * `settle` (config.ts).
 * Not here: where values come from (sources.ts).
 */
import { type TSchema, Type } from 'typebox';
import { WORKERS_MAX } from '#base/limits/server.ts';
import { AcmeSection } from './acme.ts';
import { AlertsSection } from './alerts.ts';
import { AdminSection } from './admin.ts';
import { AuditSection } from './audit.ts';
import { BackupSection } from './backup.ts';
import { CheckSection } from './check.ts';
import { DNS_TLS_KEYS } from './dns-tls.ts';
import { CookiesSection, RrlSection } from './defence.ts';
import { HttpsSection } from './https.ts';
import { LimitsSection } from './limits.ts';
import { MailSection } from './mail.ts';
import { ProcessSection } from './process.ts';
import { XDP_KEYS } from './xdp.ts';
import { isSection } from './tree.ts';

const strict = { additionalProperties: false } as const;

export const ConfigFile = Type.Object(
  {
    data: Type.Optional(Type.String({ minLength: 1 })),
    dns: Type.Optional(
      Type.Object(
        {
          listen: Type.Optional(Type.Array(Type.String(), { minItems: 1, maxItems: 64 })),
          workers: Type.Optional(Type.Integer({ minimum: 0, maximum: WORKERS_MAX })),
          udp: Type.Optional(Type.Enum(['auto', 'mmsg', 'dgram', 'xdp'])),
          tcp: Type.Optional(Type.Enum(['auto', 'epoll', 'net'])),
          ...XDP_KEYS,
          nsid: Type.Optional(Type.String()),
          report_agent: Type.Optional(Type.String({ minLength: 1 })),
          ...DNS_TLS_KEYS,
        },
        strict,
      ),
    ),
    admin: Type.Optional(AdminSection),
    cookies: Type.Optional(CookiesSection),
    rrl: Type.Optional(RrlSection),
    https: Type.Optional(HttpsSection),
    acme: Type.Optional(AcmeSection),
    mail: Type.Optional(MailSection),
    process: Type.Optional(ProcessSection),
    limits: Type.Optional(LimitsSection),
    audit: Type.Optional(AuditSection),
    backup: Type.Optional(BackupSection),
    alerts: Type.Optional(AlertsSection),
    check: Type.Optional(CheckSection),
    keys: Type.Optional(Type.Object({ kek_file: Type.Optional(Type.String({ minLength: 1 })) }, strict)),
    log: Type.Optional(
      Type.Object(
        {
          level: Type.Optional(Type.Enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace'])),
          format: Type.Optional(Type.Enum(['json', 'text'])),
          queries: Type.Optional(Type.Integer({ minimum: 0 })),
        },
        strict,
      ),
    ),
  },
  strict,
);

/** Every key, as `section.key`, with its schema. */
export const KEYS: ReadonlyMap<string, TSchema> = new Map(
  Object.entries<TSchema>(ConfigFile.properties).flatMap(([name, schema]): (readonly [string, TSchema])[] =>
    isSection(schema) ? Object.entries(schema.properties).map(([key, each]) => [`${name}.${key}`, each] as const) : [[name, schema]],
  ),
);
