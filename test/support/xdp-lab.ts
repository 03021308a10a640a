/** AF_XDP sockets in the test's own thread, over a NetworkLab: opened, mapped, bound, turned by hand. */
import { onTestFinished } from 'vitest';
import { type IpPort } from '#base/address.ts';
import { type QueryResponder } from '#server/listener.ts';
import { type ServiceEvent } from '#server/service-log.ts';
import { XdpBatch } from '#server/udp/xdp-batch.ts';
import { type OpenedXdp, openXdp } from '#server/udp/xdp-open.ts';
import { XdpService } from '#server/udp/xdp-service.ts';
import { type XdpSyscalls, loadXdpSyscalls } from '#server/udp/xdp-syscalls.ts';
import { eventually } from './dns-client.ts';
import { testCounters } from '../server/fixtures/echo.ts';
import { type NetworkLab } from './network-lab.ts';

export interface XdpServed {
  readonly opened: OpenedXdp;
  readonly service: XdpService;
  readonly count: ReturnType<typeof testCounters>['count'];
  readonly row: Float64Array;
  readonly log: { readonly event: ServiceEvent; readonly text: string }[];
  /** As its thread hangs: what comes stays in the ring. */
  readonly pause: () => void;
  /** As another thread takes over. */
  readonly start: (responder: QueryResponder) => void;
}

export interface ServeOptions {
  readonly calls?: XdpSyscalls;
  readonly interfaces?: readonly string[];
}

/** Serves `listen` with one worker until the test ends. */
export async function serveXdp(
  lab: NetworkLab,
  listen: readonly IpPort[],
  responder: QueryResponder,
  { calls = loadXdpSyscalls(), interfaces = [lab.name] }: ServeOptions = {},
): Promise<XdpServed> {
  const opened = await openXdp(calls, { interfaces, ports: [...new Set(listen.map(({ port }) => port))] });
  const log: XdpServed['log'] = [];
  const service = new XdpService(calls, {
    opened,
    listen,
    workers: 1,
    log: (event, text) => void log.push({ event, text }),
  });
  const { row, count } = testCounters();
  let timer: NodeJS.Timeout | undefined;
  const stop = () => {
    clearInterval(timer);
    service.setReady(0, false);
  };
  const start = (each: QueryResponder) => {
    const batches = service.handlesOf(0).map((handle) => new XdpBatch(calls, handle, each, row));
    timer = setInterval(() => {
      for (const batch of batches) for (let turn = 0; turn < 64 && batch.turn() > 0; turn++);
    }, 1);
    service.setReady(0, true);
  };
  start(responder);
  // The sockets of the test before are only just being taken down.
  await eventually(() => log.length > 0);
  onTestFinished(() => {
    stop();
    service.close();
  });
  return { opened, service, row, count, log, pause: () => clearInterval(timer), start };
}
