/**
 * The sections `[cookies]` and `[rrl]` of the configuration: what keeps our answers from being used against others.
 * Not here: what cookies and limits do (answer/defence/), where values come from (config.ts).
 */
import { type Static, Type } from 'typebox';
import { type CookieSettings, type RateLimitSettings } from '#base/ipc/messages.ts';
import { RRL_ALLOW_MAX, RRL_RATE_DEFAULT, RRL_RATE_MAX, RRL_SLIP_MAX } from '#base/limits/answer.ts';
import { type ValueReaders } from './readers.ts';

const strict = { additionalProperties: false } as const;

export const CookiesSection = Type.Object(
  {
    enabled: Type.Optional(Type.Boolean()),
    secret_file: Type.Optional(Type.String({ minLength: 1 })),
    previous_secret_file: Type.Optional(Type.String({ minLength: 1 })),
  },
  strict,
);

type CookiesForm = Static<typeof CookiesSection>;

export const RrlSection = Type.Object(
  {
    enabled: Type.Optional(Type.Boolean()),
    rate: Type.Optional(Type.Integer({ minimum: 1, maximum: RRL_RATE_MAX })),
    slip: Type.Optional(Type.Integer({ minimum: 1, maximum: RRL_SLIP_MAX })),
    dry_run: Type.Optional(Type.Boolean()),
    allow: Type.Optional(Type.Array(Type.String(), { maxItems: RRL_ALLOW_MAX })),
  },
  strict,
);

type RrlForm = Static<typeof RrlSection>;

/** No client outside can forge a loopback address: a limit would only hit tests and tools on the machine itself. */
const ALLOW_DEFAULT = ['127.0.0.0/8', '::1'];

/** Undefined: off. */
export function settleCookies(section: CookiesForm = {}, { path, reject }: ValueReaders): CookieSettings | undefined {
  const { enabled, secret_file: secret, previous_secret_file: previous } = section;
  if (previous !== undefined && secret === undefined)
    reject('cookies.previous_secret_file', 'cookies.previous_secret_file needs cookies.secret_file');
  if (enabled === false) return undefined;
  return {
    ...(secret === undefined ? {} : { secretFile: path('cookies.secret_file', secret) }),
    ...(previous === undefined ? {} : { previousSecretFile: path('cookies.previous_secret_file', previous) }),
  };
}

/** The section for `config show`. */
export function describeCookies(cookies: CookieSettings | undefined): Record<string, unknown> {
  return {
    enabled: cookies !== undefined,
    ...(cookies?.secretFile === undefined ? {} : { secret_file: cookies.secretFile }),
    ...(cookies?.previousSecretFile === undefined ? {} : { previous_secret_file: cookies.previousSecretFile }),
  };
}

/** Undefined: off. */
export function settleRateLimit(section: RrlForm = {}, { networks }: ValueReaders): RateLimitSettings | undefined {
  const { enabled, rate = RRL_RATE_DEFAULT, slip = 1, dry_run: dryRun = false } = section;
  const allow = networks('rrl.allow', section.allow ?? ALLOW_DEFAULT);
  return enabled === false ? undefined : { rate, slip, dryRun, allow };
}

/** The section for `config show`. */
export function describeRateLimit(rrl: RateLimitSettings | undefined): Record<string, unknown> {
  if (rrl === undefined) return { enabled: false };
  return { enabled: true, rate: rrl.rate, slip: rrl.slip, dry_run: rrl.dryRun, allow: rrl.allow };
}
