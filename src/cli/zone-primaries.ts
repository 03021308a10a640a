/** `waxseal zone`, of zones that come from primaries: how these are given, and what is shown of them. */
import { parseIpPort } from '#base/address.ts';
import { failure } from './failure.ts';

export interface PrimaryOptions {
  readonly primary?: readonly string[];
  readonly tsig?: string;
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
    readonly serial?: number;
    readonly failure?: string;
  }[];
}

const DNS_PORT = 53;

interface GivenPrimary {
  readonly address: string;
  readonly port: number;
  readonly key?: string;
}

/** As the API takes them; undefined without `--primary`. `ADDRESS#PORT` as dig has it, or `ADDRESS:PORT`. */
export function primariesOf({ primary: texts, tsig: key }: PrimaryOptions): readonly GivenPrimary[] | undefined {
  if (texts === undefined && key !== undefined) throw failure('CLI_USAGE', '--tsig needs --primary');
  return texts?.map((text) => {
    const [ip = '', port] = text.split('#');
    const read = parseIpPort(
      port === undefined ? text : ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`,
      undefined,
      DNS_PORT,
    );
    if (!read.ok)
      throw failure('CLI_USAGE', `--primary ${JSON.stringify(text)} is no address`, 'write ADDRESS or ADDRESS#PORT');
    return { address: read.value.ip, port: read.value.port, ...(key === undefined ? {} : { key }) };
  });
}

/** Lines for `zone show`; none for a zone that is kept here. */
export function secondaryFields(secondary: SecondaryDocument | undefined): readonly (readonly [string, string])[] {
  if (secondary === undefined) return [];
  const { mode, state, isLooking, serial, checkedAt, expiresAt, nextLookAt, notes, primaries } = secondary;
  return [
    ['comes from', primaries.map(({ address, port }) => `${address}#${port}`).join(', ')],
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
