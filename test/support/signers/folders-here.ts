/** Signers' folders touched in the test's own process. `run` stands for the command after an export, whose failure it returns. */
import { type FolderWork, doFolderJob, resultOf } from '#control/signers/folder-jobs.ts';

export function foldersHere(run?: () => string | undefined): FolderWork {
  const { signal } = new AbortController();
  return {
    async run(request) {
      if (request.kind !== 'command') return resultOf(await doFolderJob(withoutCommand(request), signal));
      const failure = run?.();
      return failure === undefined ? {} : { failure };
    },
    stop: () => {},
  };
}

/** Whether the program is there is not looked at. */
function withoutCommand<Request extends Parameters<typeof doFolderJob>[0]>(request: Request): Request {
  return request.kind === 'prepare' ? { ...request, command: [] } : request;
}
