/** What may be asked of life cycles, whatever they are of. */
import { type Name } from '#dns/name.ts';
import { type LifecycleObservation } from '#lifecycle/state.ts';

/** Orders to objects with a life. Without `object`: all of the zone. */
export type LifecycleOrder =
  | { readonly kind: 'lifecycle.hold'; readonly zone: Name; readonly object?: string; readonly reason: string }
  | { readonly kind: 'lifecycle.resume'; readonly zone: Name; readonly object?: string }
  | {
      readonly kind: 'lifecycle.override';
      readonly zone: Name;
      readonly object: string;
      readonly wait: string;
      readonly reason: string;
    };

/** What is due is done; what was seen is taken note of. */
export interface LifecycleTick {
  readonly kind: 'lifecycle.tick';
  readonly zone: Name;
  readonly observations: readonly LifecycleObservation[];
}
