/**
 * The `[process]` section of the configuration: as whom the processes run, and whether the answer process is confined.
 * Not here: which numbers a user's name stands for (process/users.ts), what a confined process may do
 * (process/confine/roles.ts).
 */
import { type Static, Type } from 'typebox';

export interface ProcessSettings {
  /** User of all processes, for a server that is started as root: `name`, `uid` or `uid:gid`. */
  readonly user: string | undefined;
  /** User of the answer process alone, in the same forms; that of the others when absent. */
  readonly answerUser: string | undefined;
  /** `auto`: confined as far as the kernel can; `require`: not started where it cannot; `off`: not confined. */
  readonly confine: 'auto' | 'require' | 'off';
}

export const ProcessSection = Type.Object(
  {
    user: Type.Optional(Type.String({ minLength: 1 })),
    answer_user: Type.Optional(Type.String({ minLength: 1 })),
    confine: Type.Optional(Type.Enum(['auto', 'require', 'off'])),
  },
  { additionalProperties: false },
);

export function settleProcess(section: Static<typeof ProcessSection> = {}): ProcessSettings {
  return { user: section.user, answerUser: section.answer_user, confine: section.confine ?? 'auto' };
}

/** The section for `config show`. */
export function describeProcess({ user, answerUser, confine }: ProcessSettings): Record<string, unknown> {
  return {
    ...(user === undefined ? {} : { user }),
    ...(answerUser === undefined ? {} : { answer_user: answerUser }),
    confine,
  };
}
