/**
 * What a confined process of `waxseal serve` may do, by its role: one function for each, and a line for each in
 * docs/operations.md.
 * Not here: how the kernel receives it (landlock.ts, serving-rules.ts, identity.ts), who starts the process
 * (launch.ts).
 */
import { join } from 'node:path';
import { type IpPort, parseIpPort } from '#base/address.ts';
import { type AnswerSettings, type PolicyHostSettings } from '#base/ipc/messages.ts';
import { type Account, CAPABILITY } from './identity.ts';

/** Ports below need CAP_NET_BIND_SERVICE, unless the system says otherwise. */
const LOW_PORTS_END = 1024;

/** Beside the files of the program itself (program-files.ts). Plain JSON: it goes to the launcher as its argument. */
export interface Confinement {
  /** Files, and folders with all below, that may be read. */
  readonly read: readonly string[];
  /** Files that may be opened for writing as well. */
  readonly write: readonly string[];
  /** Folders in which files may be made. */
  readonly fill: readonly string[];
  /** Ports that may be listened at over TCP. */
  readonly tcpPorts: readonly number[];
  /** Capabilities that it keeps of those that it is started with. */
  readonly capabilities: readonly number[];
  /** Who it becomes; absent: it stays who it is. */
  readonly account?: Account | undefined;
}

export interface ControlFacts {
  readonly admin: IpPort | undefined;
  readonly account: Account | undefined;
}

/** The control process is not confined; it becomes its user, and keeps the right to low ports where it has one. */
export function controlConfinement({ admin, account }: ControlFacts): Confinement {
  const capabilities = admin !== undefined && admin.port < LOW_PORTS_END ? [CAPABILITY.NET_BIND_SERVICE] : [];
  return { read: [], write: [], fill: [], tcpPorts: [], capabilities, account };
}

export interface AnswerFacts {
  readonly settings: Pick<AnswerSettings, 'storeDir' | 'listen' | 'tlsListen'>;
  /** Folder of compiled code; absent: none. */
  readonly compileCache?: string | undefined;
  /** Folder that Node writes coverage to, when it is measured. */
  readonly coverage?: string | undefined;
  readonly account?: Account | undefined;
}

/**
 * The answer process reads the store. LMDB's table of readers is in its lock file, so that one is written too. With
 * no user of its own but root it keeps the right to open files of other users: those that it may open at all are
 * listed here.
 */
export function answerConfinement({ settings, compileCache, coverage, account }: AnswerFacts): Confinement {
  const isRoot = account === undefined && process.getuid?.() === 0;
  return {
    read: [settings.storeDir, ...(compileCache === undefined ? [] : [compileCache])],
    write: ['/dev/null', join(settings.storeDir, 'lock.mdb')],
    fill: coverage === undefined ? [] : [coverage],
    tcpPorts: [...new Set([...settings.listen, ...(settings.tlsListen ?? [])].map(portOf))],
    capabilities: [CAPABILITY.NET_BIND_SERVICE, ...(isRoot ? [CAPABILITY.DAC_OVERRIDE] : [])],
    account,
  };
}

export interface PolicyHostFacts extends Omit<AnswerFacts, 'settings'> {
  readonly settings: Pick<PolicyHostSettings, 'storeDir' | 'listen' | 'keyFile'>;
}

/** The policy host reads the store as the answer process does, and the file of its own key. */
export function policyHostConfinement({ settings, ...more }: PolicyHostFacts): Confinement {
  const serving = answerConfinement({ settings, ...more });
  return { ...serving, read: [...serving.read, settings.keyFile] };
}

function portOf(text: string): number {
  const address = parseIpPort(text);
  return address.ok ? address.value.port : 0;
}
