/** From the start of the process to the first answer from the last zone; the store or the zone files are there. */
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { firstAnswer, takesPart } from '../group.ts';
import { OURS } from '../peers/all.ts';
import { markdown } from '../report.ts';
import { type ZonesKind } from '../scenarios.ts';
import { type Spread, spreadOf } from '../statistics.ts';
import { drawBars } from '../svg.ts';
import { type Figure, type FigureContext, type FigureResult } from './figure.ts';

export const START_UP: Figure = startUpFigure('start-up', 'names', true);
export const START_UP_MANY: Figure = startUpFigure('start-up-1m', 'many-names', false);

function startUpFigure(id: string, zones: ZonesKind, quick: boolean): Figure {
  return { id, title: 'Start-up to the first answer', zones, signed: true, quick, measure: (context) => measureStartUp(id, context) };
}

async function measureStartUp(id: string, { bench, prepared, peers }: FigureContext): Promise<FigureResult> {
  const taking = peers.filter((peer) => takesPart(peer, prepared));
  const folders = new Map(taking.map((peer) => [peer.id, mkdtempSync(join(bench.work, `${peer.id}-start-`))]));
  const times = new Map(taking.map((peer) => [peer.id, [] as number[]]));
  // The first start is not counted: it fills databases.
  for (let round = -1; round < bench.rounds; round++)
    for (const peer of taking) {
      const daemon = await peer.start(prepared, {
        folder: folders.get(peer.id)!,
        cores: String(bench.cores.server),

        workers: 1,
      });
      const tookMs = await daemon.ready(...firstAnswer(prepared, peer));
      await daemon.stop();
      if (round >= 0) times.get(peer.id)!.push(tookMs);
    }
  const rows = taking.map((peer) => ({ id: peer.id, label: peer.label, ms: spreadOf(times.get(peer.id)!) }));
  const seconds = ({ median }: Spread): string => (median / 1000).toFixed(2);
  return {
    values: rows,
    table: markdown(
      ['', 'seconds'],
      rows.map(({ label, ms }) => [label, `${seconds(ms)} (${(ms.low / 1000).toFixed(2)}–${(ms.high / 1000).toFixed(2)})`]),
    ),
    pictures: {
      [id]: drawBars({
        title: 'Start-up to the first answer',
        subtitle: `${prepared.set.title}, signed; one core`,
        unit: 'seconds (less is better)',
        bars: rows.map(({ id: peer, label, ms }) => ({
          label,
          value: { ...ms, median: ms.median / 1000, low: ms.low / 1000, high: ms.high / 1000 },
          note: `${seconds(ms)} s`,
          isOurs: peer === OURS,
        })),
      }),
    },
  };
}
