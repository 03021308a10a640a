/**
 * The form of a mail policy document, the same for TOML and JSON: schema, types, and every problem of a document at once.
 * Not here: what the values mean together (mail/settle.ts), what profiles fill in (mail/profiles.ts).
 */
import { parse, TomlError } from 'smol-toml';
import { type Static, type TEnum, type TOptional, type TProperties, type TSchema, Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { System } from 'typebox/system';
import { DKIM_SPARE_KEYS_MAX, MAIL_POLICY_BYTES_MAX, MAIL_POLICY_ITEMS_MAX, TLSA_KEYS_MAX } from '#base/limits/mail.ts';
import { nearestWord } from '#base/nearest.ts';
import { below, formatPlace, inBody, inFile } from '#base/place.ts';
import { type Problem, type Result, fail, ok, problem } from '#base/problem.ts';

// TypeBox stops at 8 by itself; who writes a policy wants to see all that is wrong with it in one go.
System.Settings.Set({ maxErrors: 100 });

export const PROFILE_NAMES = ['default', 'm3aawg', 'bsi', 'cisa', 'internet.nl', 'lockdown'] as const;
export const DKIM_ALGORITHMS = ['rsa2048', 'ed25519'] as const;
/** Kinds of records that may have a TTL of their own. */
export const TTL_KINDS = ['spf', 'dkim', 'dmarc', 'mtaSts', 'tlsRpt', 'tlsa', 'bimi', 'mx'] as const;

export type ProfileName = (typeof PROFILE_NAMES)[number];
export type DkimAlgorithm = (typeof DKIM_ALGORITHMS)[number];
export type TtlKind = (typeof TTL_KINDS)[number];

function section<P extends TProperties>(properties: P, description: string) {
  return Type.Optional(Type.Object(properties, { additionalProperties: false, description }));
}
const text = (description: string) => Type.Optional(Type.String({ minLength: 1, maxLength: 4096, description }));
const texts = (description: string) =>
  Type.Optional(Type.Array(Type.String({ minLength: 1, maxLength: 8192 }), { maxItems: MAIL_POLICY_ITEMS_MAX, description }));
const duration = (description: string) => Type.Optional(Type.String({ maxLength: 32, description, examples: ['90d', '1h30m'] }));
const flag = (description: string) => Type.Optional(Type.Boolean({ description }));
const choice = <const V extends string[]>(values: readonly [...V], description: string): TOptional<TEnum<V>> =>
  Type.Optional(Type.Enum(values, { description }));

/** The document's schema; published for editors. */
export const MailPolicySchema = Type.Object(
  {
    profile: Type.Optional(
      Type.Array(Type.Enum([...PROFILE_NAMES]), {
        minItems: 1,
        maxItems: PROFILE_NAMES.length,
        description:
          'what is filled in where the document says nothing; of several, the first that has a wish. One name alone may be a string',
      }),
    ),
    ttl: section(
      {
        default: duration('for all records without a TTL of their own'),
        spf: duration('SPF, with all other TXT of the domain'),
        dkim: duration('DKIM selectors'),
        dmarc: duration('DMARC'),
        mtaSts: duration('MTA-STS'),
        tlsRpt: duration('TLS reporting'),
        tlsa: duration('TLSA; 30 minutes to an hour is usual'),
        bimi: duration('BIMI'),
        mx: duration('the null MX of lockdown'),
      },
      'TTLs',
    ),
    spf: section(
      {
        enabled: flag('publish SPF at all'),
        mechanisms: texts('who may send, as in the record: "mx", "ip4:192.0.2.25", "include:_spf.example.net"'),
        all: choice(['-all', '~all', '?all', 'none'], 'what is said of everybody else; "none" says nothing'),
        redirect: text('domain whose record decides in place of "all"'),
        flatten: texts('includes, by domain, to be replaced by the addresses they stand for'),
        refreshInterval: duration(
          'what others publish is looked up again after this, or sooner when its TTL is shorter; 5m to 24h, default 1h',
        ),
      },
      'SPF',
    ),
    dkim: section(
      {
        algorithms: Type.Optional(
          Type.Array(Type.Enum([...DKIM_ALGORITHMS]), {
            maxItems: DKIM_ALGORITHMS.length,
            uniqueItems: true,
            description: 'keys made here; none: only external ones',
          }),
        ),
        rotationInterval: duration('how long a key signs'),
        queueLife: duration('how long a signed message may be under way'),
        signerLag: duration('how long a signer, or a mail host with its certificate, may use the old key after it could use the new one'),
        revokedFor: duration('how long a revoked key stays published with an empty p='),
        afterRetirement: choice(['revoke', 'keep'], 'old keys are revoked, or stay for those who verify archives'),
        spareKeys: Type.Optional(
          Type.Integer({ minimum: 0, maximum: DKIM_SPARE_KEYS_MAX, description: 'keys per algorithm published ahead, for emergencies' }),
        ),
        signers: texts('names of the signers that have to acknowledge a new key'),
        external: Type.Optional(
          Type.Array(
            Type.Object(
              {
                selector: Type.String({ minLength: 1, maxLength: 253 }),
                record: Type.String({ minLength: 1, maxLength: 8192, description: 'the whole text of the record' }),
                ttl: duration('its TTL'),
              },
              { additionalProperties: false },
            ),
            { maxItems: MAIL_POLICY_ITEMS_MAX, description: 'keys of others, published and watched' },
          ),
        ),
        delegations: Type.Optional(
          Type.Array(
            Type.Object(
              {
                selector: Type.String({ minLength: 1, maxLength: 253 }),
                target: Type.String({ minLength: 1, maxLength: 1024, description: 'where the CNAME leads' }),
                ttl: duration('its TTL'),
              },
              { additionalProperties: false },
            ),
            { maxItems: MAIL_POLICY_ITEMS_MAX, description: 'selectors that a service keeps itself' },
          ),
        ),
      },
      'DKIM',
    ),
    dmarc: section(
      {
        enabled: flag('publish DMARC at all'),
        policy: choice(['none', 'quarantine', 'reject'], 'the policy to arrive at'),
        ramp: section(
          {
            enabled: flag('arrive there in steps; off: at once'),
            noneFor: duration('time at p=none at least'),
            quarantineFor: duration('time at p=quarantine at least'),
          },
          'steps',
        ),
        sp: choice(['none', 'quarantine', 'reject'], 'for subdomains; never stricter than the step that the ramp is at'),
        np: choice(['none', 'quarantine', 'reject'], 'for subdomains that do not exist'),
        adkim: choice(['relaxed', 'strict'], 'DKIM alignment'),
        aspf: choice(['relaxed', 'strict'], 'SPF alignment'),
        psd: choice(['yes', 'no'], 'public suffix, or an organizational domain by declaration'),
        rua: texts('where aggregate reports go; default postmaster'),
        ruf: texts('where failure reports go; they hold personal data, so by default nowhere'),
        fo: texts('when failure reports are wanted: 0, 1, d, s'),
        acceptReportsOf: texts('other domains whose reports may come here: <domain>._report._dmarc is published'),
      },
      'DMARC',
    ),
    mtaSts: section(
      {
        mode: choice(['off', 'testing', 'enforce', 'external'], 'the mode to arrive at; external: another server serves the policy'),
        mxFromZone: flag('the hosts of the MX records are allowed'),
        mx: texts('further hosts that are allowed: those to come, or *.example.net'),
        maxAge: duration('how long senders keep the policy once it is settled'),
        shortMaxAge: duration('how long they keep it while it is new'),
        testingFor: duration('time in testing at least'),
        shortFor: duration('time in enforce with the short max_age at least'),
        id: text('id of an external policy'),
        target: text('where _mta-sts leads as a CNAME, for an external policy'),
      },
      'MTA-STS',
    ),
    tlsRpt: section(
      {
        rua: texts('where TLS reports go; default postmaster; an empty list: no record'),
        hosted: flag('TLS reports go to the policy host of this server as well: https://mta-sts.<domain>/tlsrpt'),
      },
      'TLS reporting',
    ),
    dane: section(
      {
        hosts: Type.Optional(
          Type.Record(
            Type.String(),
            Type.Object(
              {
                keys: Type.Array(Type.String({ minLength: 1, maxLength: 16_384 }), {
                  minItems: 1,
                  maxItems: TLSA_KEYS_MAX,
                  description: 'keys in use now: PEM of a certificate or public key, or "3 1 1 <hex>"',
                }),
                port: Type.Optional(Type.Integer({ minimum: 1, maximum: 65_535 })),
              },
              { additionalProperties: false },
            ),
            { description: 'mail hosts in this zone, by name' },
          ),
        ),
      },
      'DANE',
    ),
    bimi: section(
      {
        logo: text('https: URL of the SVG'),
        evidence: text('https: URL of the mark certificate'),
        avatar: choice(['brand', 'personal'], 'what to show when the sender has an avatar'),
        prefixes: texts('local parts that have selectors of their own'),
        selector: text('default "default"'),
        hosted: flag('this server hosts the logo and its evidence, which are uploaded: https://bimi.<domain>/bimi/…'),
        keepOld: duration('how long a hosted logo is served after another took its place; default 30d'),
        decline: flag('take no part in BIMI'),
      },
      'BIMI',
    ),
    lockdown: flag('the domain sends and takes no mail'),
  },
  { additionalProperties: false, title: 'waxseal mail policy' },
);

export type MailPolicyDocument = Static<typeof MailPolicySchema>;

const checker = Compile(MailPolicySchema);

/** A document of TOML text, or what is wrong with it at `file:line:column`. */
export function parsePolicyToml(toml: string, file: string): Result<MailPolicyDocument> {
  if (toml.length > MAIL_POLICY_BYTES_MAX)
    return fail(problem('MAIL_POLICY_SYNTAX', inFile(file), `is longer than ${MAIL_POLICY_BYTES_MAX} octets`));
  try {
    return checkPolicyDocument(parse(toml));
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const why = error.message.split('\n')[0]!.replace(/^Invalid TOML document: /, '');
    return fail(problem('MAIL_POLICY_SYNTAX', inFile(file, error.line, error.column), why));
  }
}

/** The document that `given` is, or every problem with its form, each with its JSON pointer. */
export function checkPolicyDocument(given: unknown): Result<MailPolicyDocument> {
  const isShort = isObject(given) && typeof given['profile'] === 'string';
  const value = isShort ? { ...given, profile: [given['profile']] } : given;
  if (checker.Check(value)) return ok(value);
  const problems = checker.Errors(value).flatMap(describe);
  return fail(...problems.map((each) => (isShort && formatPlace(each.at) === '/profile/0' ? { ...each, at: inBody('/profile') } : each)));
}

type SchemaError = ReturnType<typeof checker.Errors>[number];

function describe(error: SchemaError): readonly Problem[] {
  const place = inBody(error.instancePath);
  if (error.keyword === 'additionalProperties') {
    const known = knownFields(error.schemaPath);
    return error.params.additionalProperties.map((name) => {
      const near = nearestWord(name, known);
      return problem('FIELD_UNKNOWN', below(place, name), `there is no field ${JSON.stringify(name)}`, {
        fix: near === undefined ? `known: ${known.join(', ')}` : `did you mean ${JSON.stringify(near)}?`,
      });
    });
  }
  if (error.keyword === 'required')
    return error.params.requiredProperties.map((name) =>
      problem('FIELD_MISSING', below(place, name), `the field ${JSON.stringify(name)} is missing`),
    );
  // The same unknown field again, by the schema `false` it is matched with.
  if (error.keyword === 'boolean') return [];
  const why =
    error.keyword === 'enum'
      ? `must be one of ${error.params.allowedValues.map((each) => JSON.stringify(each)).join(', ')}`
      : error.message;
  return [problem('FIELD_VALUE', place, `${error.instancePath === '' ? 'the policy' : error.instancePath.slice(1)} ${why}`)];
}

/** Names of the properties of the schema that `schemaPath` (a URI fragment) points at. */
function knownFields(schemaPath: string): string[] {
  let at: unknown = MailPolicySchema satisfies TSchema;
  for (const name of schemaPath.split('/').slice(1)) at = isObject(at) ? at[name] : undefined;
  const properties = isObject(at) ? at['properties'] : undefined;
  return isObject(properties) ? Object.keys(properties) : [];
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
