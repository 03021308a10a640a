/**
 * Entry of a confined process, before its program: gives up what the program does not need and becomes the program
 * (`execve`), in the same process and with the same channel to the supervisor. Landlock and users hold for a thread
 * and what it starts; Node has several threads before any of our code runs, so they must be there before Node is.
 * Not here: what a role may do (roles.ts), what is left to do when the program is there (confined.ts).
 */
import module from 'node:module';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { EXIT_CONFIGURATION } from '#base/exit.ts';
import { writeNotice } from './notice.ts';
import { siblingModule } from '#base/sibling.ts';
import { firstLineOf } from '#base/visible.ts';
import { keepOnly } from './close-on-exec.ts';
import { becomeLess } from './identity.ts';
import { landlockAbi, restrictSelf } from './landlock.ts';
import { filterSelf } from './filter.ts';
import { type ConfinedOrder, type LaunchOrder } from './launch-order.ts';
import { programFiles } from './program-files.ts';
import { startingRules } from './serving-rules.ts';
import { type Kernel } from './system-call.ts';

await launch(JSON.parse(process.argv[2] ?? '') as LaunchOrder);

async function launch(order: LaunchOrder): Promise<void> {
  const { role, entry, log, confine, confinement, hasOwnUser } = order;
  const told = { role, entry, log, confine, hasOwnUser };
  const loaded = await tryLoad();
  if (typeof loaded === 'string') {
    if (confinement.account !== undefined) return stop(order, `it cannot become another user: ${loaded}`);
    return continueHere(order, { ...told, landlock: 0, refusals: [loaded] });
  }
  // Before files can no longer be looked at.
  const channel = channelDescriptor();
  const xdp = await openBefore(order);
  keepOnly(loaded, [...(channel === undefined ? [] : [channel]), ...(order.sockets ?? []), ...xdp.descriptors]);
  try {
    becomeLess(loaded, confinement.account, confinement.capabilities);
  } catch (error) {
    return stop(order, `it cannot give up its rights: ${firstLineOf(error)}`);
  }
  // While it still may write: it ends by becoming another program, and Node would have written at its end.
  module.flushCompileCache();
  const restricted = restrict(loaded, order);
  if (confine === 'require' && restricted.refusals.length > 0)
    return stop(order, `process.confine is "require", and ${restricted.refusals.join('; ')}`);
  become({ ...order, args: [...order.args, ...xdp.args] }, { ...told, ...restricted });
}

/** What takes rights that the program will not have. */
async function openBefore({ xdp }: LaunchOrder): Promise<{ descriptors: readonly number[]; args: readonly string[] }> {
  if (xdp === undefined) return { descriptors: [], args: [] };
  const { loadXdpSyscalls } = await import('#server/udp/xdp-syscalls.ts');
  const { descriptorsOfXdp, openXdp } = await import('#server/udp/xdp-open.ts');
  const opened = await openXdp(loadXdpSyscalls(), xdp);
  return { descriptors: descriptorsOfXdp(opened), args: [JSON.stringify(opened)] };
}

async function tryLoad(): Promise<Kernel | string> {
  try {
    return (await import('./kernel.ts')).loadKernel();
  } catch (error) {
    return firstLineOf(error);
  }
}

/** Landlock, and the first filter of system calls, as far as this kernel has them. */
function restrict(kernel: Kernel, order: LaunchOrder): Pick<ConfinedOrder, 'landlock' | 'refusals'> {
  if (order.confine === 'off' || order.confine === 'none') return { landlock: 0, refusals: [] };
  const { confinement } = order;
  const abi = Math.min(landlockAbi(kernel), order.landlockAbi ?? Infinity);
  const files = programFiles(programFolder(), { ...process.env, ...order.environment });
  const rules = { ...confinement, read: [...files.read, ...confinement.read], execute: files.execute };
  const noLandlock = abi === 0 ? 'this kernel has no Landlock' : refusalOf(() => restrictSelf(kernel, abi, rules));
  if (noLandlock !== undefined && order.confine === 'require') return { landlock: 0, refusals: [noLandlock] };
  // Last of all: from here on this program could not even end in an orderly way, because its loop has an io_uring.
  const noFilter = refusalOf(() => filterSelf(kernel, startingRules(process.pid)));
  const refusals = [noLandlock, noFilter].filter((each) => each !== undefined);
  return { landlock: noLandlock === undefined ? abi : 0, refusals };
}

function refusalOf(work: () => void): string | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    return firstLineOf(error);
  }
}

/** Does not return. The descriptors of the channel and of `order.sockets` stay open and keep their numbers. */
function become(order: LaunchOrder, confined: ConfinedOrder): void {
  const channel = channelDescriptor();
  // The launcher's own folder of compiled code is not the program's.
  const { NODE_COMPILE_CACHE: _, ...inherited } = process.env;
  const environment = {
    ...inherited,
    ...order.environment,
    ...(channel === undefined ? {} : { NODE_CHANNEL_FD: String(channel), NODE_CHANNEL_SERIALIZATION_MODE: 'json' }),
  };
  const first = order.confine === 'none' ? [order.entry] : [fileURLToPath(confinedScript()), JSON.stringify(confined)];
  const words = [...order.nodeOptions, ...first, ...order.args];
  process.execve?.(process.execPath, [process.execPath, ...words], environment);
}

/** Where there is no such system call: the same program in this process, with nothing given up. */
async function continueHere(order: LaunchOrder, confined: ConfinedOrder): Promise<void> {
  Object.assign(process.env, order.environment);
  process.argv = [process.execPath, fileURLToPath(confinedScript()), JSON.stringify(confined), ...order.args];
  await import(confinedScript().href);
}

function stop({ role, log }: LaunchOrder, why: string): void {
  const message = `the ${role} process does not start: ${why}`;
  writeNotice(log, { level: 'fatal', process: role, event: 'process.not-started', message });
  process.exit(EXIT_CONFIGURATION);
}

/** `src/` or `dist/`. */
function programFolder(): string {
  return dirname(dirname(import.meta.dirname));
}

function confinedScript(): URL {
  return siblingModule(import.meta.url, 'confined');
}

/** Node has taken its number out of the environment. */
function channelDescriptor(): number | undefined {
  const { channel } = process;
  if (channel === undefined || channel === null || !('fd' in channel)) return undefined;
  return typeof channel.fd === 'number' ? channel.fd : undefined;
}
