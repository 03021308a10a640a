/**
 * A large import at a terminal: a line that says how far it is, from the events of the server, and Ctrl-C, which ends
 * the import. Where no terminal is there is only Ctrl-C.
 * Not here: sending the file (zone.ts), the events (control/import/progress.ts).
 */
import { CLI_PROGRESS_TICK_MS, IMPORT_APART_CHARACTERS_MIN } from '#base/limits/changes.ts';
import { showHidden } from '#base/visible.ts';
import { openAnswer } from './api-client.ts';
import { readBlocks } from './events.ts';
import { type ChangeOptions } from './options.ts';
import { type ServerAddress } from './server-address.ts';
import { type StatusLine, type Terminal } from './terminal.ts';

/** What is done while the text of a zone is sent and taken in. */
export function duringImport(
  { zone, text }: { readonly zone: string; readonly text: string },
  { json, dryRun = false }: Pick<ChangeOptions, 'json' | 'dryRun'>,
  terminal: Terminal,
) {
  const isLarge = text.length >= IMPORT_APART_CHARACTERS_MIN || /^\$generate/im.test(text);
  const line = !isLarge || json === true || dryRun ? undefined : terminal.statusLine;
  return async <T>(address: ServerAddress, send: () => Promise<T>): Promise<T> => {
    const shown = line === undefined ? undefined : showProgress(zone, address, line);
    const restored = terminal.onInterrupt?.(() => {
      shown?.end();
      terminal.err(`waxseal: stopped: ${dryRun ? 'nothing was to be changed' : stoppedText(zone)}\n`);
    });
    try {
      return await send();
    } finally {
      restored?.();
      shown?.end();
    }
  };
}

function stoppedText(zone: string): string {
  return (
    `the server ends the import of ${showHidden(zone)} and changes nothing, unless it was written already; ` +
    `see: waxseal zone history ${showHidden(zone)}`
  );
}

/** Follows the events of the import until `end`. Without them the line says how long it has lasted, and no more. */
function showProgress(zone: string, address: ServerAddress, line: StatusLine): { readonly end: () => void } {
  const startedMs = performance.now();
  let [hasEnded, said] = [false, 'sent'];
  const show = (): void => {
    const seconds = Math.round((performance.now() - startedMs) / 1000);
    if (!hasEnded && seconds > 0) line.show(`${zone}: ${said} (${seconds} s; Ctrl-C ends it)`);
  };
  const timer = setInterval(show, CLI_PROGRESS_TICK_MS);
  const follow = async (): Promise<void> => {
    const { body } = await openAnswer(address, { path: ['events'], query: { zone, kind: 'import', follow: '1' } });
    ending.signal.addEventListener('abort', () => body.destroy());
    if (hasEnded) body.destroy();
    for await (const block of readBlocks(body)) {
      if (block.name !== 'event' || block.event.event !== 'progress') continue;
      said = block.event.text;
      show();
    }
  };
  const ending = new AbortController();
  // A token that may not see events, a server that has no stream left: the import continues.
  void follow().catch(() => {});
  return {
    end: () => {
      if (hasEnded) return;
      hasEnded = true;
      clearInterval(timer);
      ending.abort();
      line.show('');
    },
  };
}
