/** `waxseal status`. */
import type { Command } from 'commander';
import { type AlertDocument, formatAlert } from './alert.ts';
import { callApi } from './api-client.ts';
import { type ReadOptions, readCommand } from './options.ts';
import { findServer } from './server-address.ts';
import { type Terminal, formatFields, formatJson, mebibytes } from './terminal.ts';

interface StatusDocument {
  readonly version: string;
  readonly startedAt: string;
  readonly generation: number;
  readonly zoneCount: number;
  readonly ready: boolean;
  readonly notReady: readonly string[];
  readonly noChanges?: readonly string[];
  readonly workers: readonly { readonly id: number; readonly alive: boolean; readonly generation: number }[];
  readonly listeners: { readonly dns: readonly string[]; readonly admin: string; readonly socket: string };
  readonly store: {
    readonly path: string;
    readonly sizeBytes: number;
    readonly freeBytes: number;
    readonly kekFile: string;
  };
  readonly policyHost?: PolicyHostDocument;
  /** Absent: a server before version 0.2. */
  readonly alerts?: AlertsDocument;
}

interface AlertsDocument {
  readonly critical: number;
  readonly warning: number;
  readonly acknowledged: number;
  readonly first: readonly AlertDocument[];
}

interface PolicyHostDocument {
  readonly up: boolean;
  readonly upSince?: string;
  readonly listeners: readonly string[];
  readonly certificates: {
    readonly count: number;
    readonly inTrouble: number;
    readonly nextExpiry?: string;
    readonly first: readonly {
      readonly host: string;
      readonly notAfter?: string;
      readonly problem?: { readonly message: string; readonly nextTry?: string };
    }[];
    readonly partial?: boolean;
  };
}

export function defineStatus(noun: Command, terminal: Terminal): void {
  readCommand(noun, 'waxseal status').action(async (options: ReadOptions) => {
    const status = await callApi<StatusDocument>(await findServer(options, terminal), { path: ['status'] });
    if (options.json === true) return terminal.out(formatJson(status));
    terminal.out(status.alerts === undefined ? '' : formatAlerts(status.alerts));
    terminal.out(formatStatus(status));
  });
}

/** Before everything else. */
function formatAlerts({ critical, warning, acknowledged, first }: AlertsDocument): string {
  const open = critical + warning + acknowledged;
  if (open === 0) return '';
  const shown = first.length < open ? `; all: waxseal alert list` : '';
  const head = `needs a person: ${critical} critical, ${warning} warnings; ${acknowledged} acknowledged${shown}\n`;
  return `${head}\n${first.map(formatAlert).join('\n')}\n`;
}

function formatStatus({
  version,
  startedAt,
  generation,
  zoneCount,
  ready,
  notReady,
  noChanges = [],
  workers,
  listeners,
  store,
  policyHost,
}: StatusDocument): string {
  const alive = workers.filter((worker) => worker.alive);
  const behind = alive.filter((worker) => worker.generation < generation).length;
  return formatFields([
    ['version', version],
    ['started', startedAt],
    ['ready', ready ? 'yes' : `no: ${notReady.join('; ')}`],
    ['changes', noChanges.length === 0 ? 'possible' : `not possible: ${noChanges.join('; ')}`],
    ['zones', String(zoneCount)],
    [
      'workers',
      `${alive.length} of ${workers.length} alive, ${behind === 0 ? `all at generation ${generation}` : `${behind} behind generation ${generation}`}`,
    ],
    ['DNS', listeners.dns.join(', ')],
    ['API', [listeners.admin, listeners.socket].filter((each) => each !== '').join(', ')],
    ['store', `${store.path}, ${mebibytes(store.sizeBytes)} used, ${mebibytes(store.freeBytes)} free on its disk`],
    ['key', `${store.kekFile} seals the store's secrets; keep a copy, but not with backups of the store`],
    ...(policyHost === undefined ? [] : policyHostFields(policyHost)),
  ]);
}

/** Hosts in trouble have a line each; all others are in `waxseal cert list`. */
function policyHostFields({ up, upSince, listeners, certificates }: PolicyHostDocument): [string, string][] {
  const { count, inTrouble, nextExpiry, first, partial } = certificates;
  const where = listeners.length === 0 ? 'it listens on no address yet' : listeners.join(', ');
  const next = nextExpiry === undefined ? '' : `, the first ends ${nextExpiry}`;
  const trouble = inTrouble === 0 ? '' : `; ${inTrouble} in trouble`;
  return [
    ['HTTPS', up ? `${where}, up since ${upSince ?? ''}` : 'the policy host is down; it is started again by itself'],
    ['certificates', `${count}${next}${trouble}${partial === true ? '; not all zones were looked at' : ''}`],
    ...first.flatMap(({ host, problem }): [string, string][] =>
      problem === undefined ? [] : [['', `${host}: ${problem.message}${again(problem.nextTry)}`]],
    ),
  ];
}

function again(nextTry: string | undefined): string {
  return nextTry === undefined ? '' : `; tried again ${nextTry}`;
}
