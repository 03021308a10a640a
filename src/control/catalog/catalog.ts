/**
 * The parts of transfers with catalogs of other servers on top, put together, and the metrics of these.
 * Not here: catalogs of ours (control/transfer/catalogs.ts), zones from primaries (control/secondary/).
 */
import { type MetricFamily } from '#control/api/control.ts';
import { type TransferApi } from '#control/api/transfer.ts';
import { type SecondaryParts, type SecondaryPartsOptions, secondaryParts } from '#control/secondary/secondary.ts';
import { followHandlers } from './commands.ts';
import { CatalogFollower, type FollowerOptions } from './follower.ts';

export interface CatalogPartsOptions extends SecondaryPartsOptions {
  readonly run: FollowerOptions['run'];
}

export interface CatalogParts extends Omit<SecondaryParts, 'api' | 'handlers'> {
  /** Works as soon as a catalog has come; once it is started, it also does what was left to do. */
  readonly follower: CatalogFollower;
  readonly api: TransferApi;
  readonly handlers: SecondaryParts['handlers'] & ReturnType<typeof followHandlers>;
}

export function catalogParts(options: CatalogPartsOptions): CatalogParts {
  const transfer = secondaryParts(options);
  const { writer, publisher } = options;
  const follower = new CatalogFollower(options);
  publisher.onChanged((zones) => follower.changed(zones));
  const handlers = followHandlers({ writer, follower, keys: () => transfer.keys.list(), onFollow: transfer.follow });
  return {
    ...transfer,
    follower,
    handlers: { ...transfer.handlers, ...handlers },
    families: () => [...transfer.families(), ...families(follower)],
    api: { ...transfer.api, catalogs: { ...transfer.api.catalogs, followed: (catalog) => follower.view(catalog) } },
  };
}

const STATES = ['waiting', 'current', 'busy', 'broken', 'held'] as const;

function families(follower: CatalogFollower): readonly MetricFamily[] {
  const views = follower.catalogs().map((catalog) => ({ catalog: catalog.name, view: follower.view(catalog)! }));
  const of = (name: string, help: string, value: (view: (typeof views)[number]['view']) => number): MetricFamily => ({
    name,
    help,
    type: 'gauge',
    samples: views.map(({ catalog, view }) => ({ labels: { catalog }, value: value(view) })),
  });
  const { added, changed, removed } = follower.counts;
  return [
    {
      name: 'waxseal_followed_catalogs',
      help: 'Catalogs of other servers that are followed, by state.',
      type: 'gauge',
      samples: STATES.map((state) => {
        return { labels: { state }, value: views.filter(({ view }) => view.state === state).length };
      }),
    },
    of('waxseal_catalog_members', 'Zones that the catalog brought.', ({ members }) => members),
    of('waxseal_catalog_clashes', 'Members whose names other zones have.', ({ clashCount }) => clashCount),
    of('waxseal_catalog_removals_held', 'Members that wait to be removed.', ({ heldCount }) => heldCount),
    {
      name: 'waxseal_catalog_changes_total',
      help: 'Zones that catalogs of other servers added, changed and removed.',
      type: 'counter',
      samples: Object.entries({ added, changed, removed }).map(([change, value]) => ({ labels: { change }, value })),
    },
  ];
}
