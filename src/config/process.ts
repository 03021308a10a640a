/**
 * The `[process]` section of the configuration: whether the answer process is confined.
 * Not here: what a confined process may do (process/confine/roles.ts).
 */
import { type Static, Type } from 'typebox';

export interface ProcessSettings {
  /** `auto`: confined as far as the kernel can; `require`: not started where it cannot; `off`: not confined. */
  readonly confine: 'auto' | 'require' | 'off';
}

export const ProcessSection = Type.Object(
  {
    confine: Type.Optional(Type.Enum(['auto', 'require', 'off'])),
  },
  { additionalProperties: false },
);

export function settleProcess(section: Static<typeof ProcessSection> = {}): ProcessSettings {
  return { confine: section.confine ?? 'auto' };
}

/** The section for `config show`. */
export function describeProcess({ confine }: ProcessSettings): Record<string, unknown> {
  return { confine };
}
