/** `waxseal zone`, of zones that come from primaries: how these are given, and what is shown of them. */
import type { Command } from 'commander';
import { DNS_PORT, DNS_TLS_PORT, parseIpPort } from '#base/address.ts';
import { failure } from './failure.ts';

export interface PrimaryOptions {
  readonly primary?: readonly string[];
  readonly tsig?: string;
  readonly tlsHost?: string;
  readonly tlsPin?: readonly string[];
  readonly tlsCertificate?: string;
}

/** Options of commands that name primaries. */
export function primaryOptions(command: Command): Command {
  return command
    .option('--tls-host <name>', 'ask them over TLS (RFC 9103): the name in their certificate')
    .option('--tls-pin <pin...>', 'ask them over TLS: SHA-256 of their public key, base64')
    .option('--tls-certificate <host>', 'the host of this server whose certificate they are shown');
}

export interface SecondaryDocument {
  readonly mode: string;
  readonly state: string;
  readonly isLooking: boolean;
  readonly serial?: number;
  readonly checkedAt?: string;
  readonly expiresAt?: string;
  readonly nextLookAt: string;
  readonly notes: readonly string[];
  readonly primaries: readonly {
    readonly address: string;
    readonly port: number;
    readonly key?: string;
    readonly tls?: object;
    readonly serial?: number;
    readonly failure?: string;
  }[];
}

interface GivenPrimary {
  readonly address: string;
  readonly port: number;
  readonly key?: string;
  readonly tls?: object;
}

/** As the API takes them; undefined without `--primary`. `ADDRESS#PORT` as dig has it, or `ADDRESS:PORT`. */
export function primariesOf(options: PrimaryOptions): readonly GivenPrimary[] | undefined {
  const { primary: texts, tsig: key } = options;
  const tls = tlsOf(options);
  if (texts === undefined && key !== undefined) throw failure('CLI_USAGE', '--tsig needs --primary');
  if (texts === undefined && tls !== undefined)
    throw failure('CLI_USAGE', '--tls-host, --tls-pin and --tls-certificate need --primary');
  return texts?.map((text) => {
    const [ip = '', port] = text.split('#');
    const read = parseIpPort(
      port === undefined ? text : ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`,
      undefined,
      tls === undefined ? DNS_PORT : DNS_TLS_PORT,
    );
    if (!read.ok)
      throw failure('CLI_USAGE', `--primary ${JSON.stringify(text)} is no address`, 'write ADDRESS or ADDRESS#PORT');
    const how = { ...(key === undefined ? {} : { key }), ...(tls === undefined ? {} : { tls }) };
    return { address: read.value.ip, port: read.value.port, ...how };
  });
}

/** Undefined: over UDP and TCP. */
function tlsOf({ tlsHost: host, tlsPin: pins, tlsCertificate: certificate }: PrimaryOptions): object | undefined {
  if (host === undefined && pins === undefined && certificate === undefined) return undefined;
  if (host === undefined && pins === undefined)
    throw failure(
      'CLI_USAGE',
      '--tls-certificate alone does not say who the primary is',
      'add --tls-host or --tls-pin',
    );
  return { host, pins, certificate };
}

/** Lines for `zone show`; none for a zone that is kept here. */
export function secondaryFields(secondary: SecondaryDocument | undefined): readonly (readonly [string, string])[] {
  if (secondary === undefined) return [];
  const { mode, state, isLooking, serial, checkedAt, expiresAt, nextLookAt, notes, primaries } = secondary;
  return [
    ['comes from', primaries.map(endpointText).join(', ')],
    ['served', mode === 'copy' ? 'as it comes' : 'signed here, under its own serial'],
    ['state', isLooking ? `${state}; a primary is being asked` : state],
    ...(serial === undefined ? [] : [['serial there', String(serial)] as const]),
    ...(checkedAt === undefined ? [] : [['confirmed', checkedAt] as const]),
    ...(expiresAt === undefined ? [] : [['expires', expiresAt] as const]),
    ['next look', nextLookAt],
    ...primaries.flatMap(({ address, port, failure: last }) =>
      last === undefined ? [] : [['failure', `${address}#${port} ${last}`] as const],
    ),
    ...notes.map((note) => ['left out', note] as const),
  ];
}

function endpointText({ address, port, tls }: SecondaryDocument['primaries'][number]): string {
  return `${address}#${port}${tls === undefined ? '' : ' over TLS'}`;
}
