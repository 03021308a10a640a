/** What is measured besides the cost of a query. */
import { type Bench } from '../group.ts';
import { type Peer } from '../peers/peer.ts';
import { type Prepared } from '../prepared.ts';
import { type ScenarioResult } from '../report.ts';
import { type ZonesKind } from '../scenarios.ts';

export interface FigureContext {
  readonly bench: Bench;
  readonly prepared: Prepared;
  /** Those that were asked for. */
  readonly peers: readonly Peer[];
  /** Of scenarios measured so far. */
  readonly results: readonly ScenarioResult[];
}

export interface FigureResult {
  /** Markdown. */
  readonly table: string;
  /** For bench/results/<id>.json. */
  readonly values: unknown;
  /** Pictures by name, without ending. */
  readonly pictures?: Readonly<Record<string, string>>;
}

export interface Figure {
  readonly id: string;
  readonly title: string;
  readonly zones: ZonesKind;
  readonly signed: boolean;
  /** In the short run too. */
  readonly quick: boolean;
  readonly measure: (context: FigureContext) => Promise<FigureResult>;
}
