/**
 * `waxseal events`: what happened, and what happens now. Reads the stream of `/v1/events` as HTML Living Standard §9.2.6 says, as far as
 * our server uses it.
 */
import { type Command, InvalidArgumentError } from 'commander';
import { type IncomingMessage } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { EVENT_RETRY_MS } from '#base/limits/events.ts';
import { showHiddenInJson } from '#base/visible.ts';
import { type ApiRequest, openAnswer } from './api-client.ts';
import { CommandFailure } from './failure.ts';
import { type ReadOptions, readCommand } from './options.ts';
import { type ServerAddress, findServer } from './server-address.ts';
import { type Terminal, formatJson, formatLine } from './terminal.ts';

interface EventDocument {
  readonly id: number;
  readonly at: string;
  readonly kind: string;
  readonly event: string;
  readonly zone?: string;
  readonly object?: string;
  readonly text: string;
  readonly action?: string;
  readonly actor?: { readonly kind: string; readonly id: string };
}

interface GapDocument {
  readonly reason: string;
  readonly zone?: string;
}

type Block = { readonly name: 'event'; readonly event: EventDocument } | { readonly name: 'gap'; readonly gap: GapDocument };

interface EventsOptions extends ReadOptions {
  readonly zone?: string;
  readonly kind?: string;
  readonly machine?: string;
  readonly after?: number;
  readonly lines: number;
  readonly follow?: boolean;
}

export function defineEvents(noun: Command, terminal: Terminal): void {
  readCommand(noun, 'waxseal events --zone example.com --follow')
    .option('--zone <zone>', 'only of this zone')
    .option('--kind <kind>', 'only these: zone, import, mail, certificate, dnssec, alert, audit')
    .option('--machine <machine>', 'only this kind of life: dkim, dmarc, tlsa, …')
    .option('--after <id>', 'only after the event with this id', readNumber)
    .option('-n, --lines <count>', 'how many of the last', readNumber, 20)
    .option('-f, --follow', 'continue with what happens; with --json one document a line')
    .action(async (options: EventsOptions) => {
      const address = await findServer(options, terminal);
      const last: EventDocument[] = [];
      // The last id that was seen, not the last that was shown: ids of events that are filtered out count too.
      let seenId = String(options.after ?? 0);
      const note = (id: string) => (seenId = id);
      for await (const block of readEvents(address, request(options, seenId, false), note)) {
        if (block.name === 'gap') terminal.err(gapText(block.gap));
        else if (last.push(block.event) > options.lines) last.shift();
      }
      if (options.json === true && options.follow !== true) terminal.out(formatJson({ events: last }));
      else for (const event of last) show(event, options, terminal);
      while (options.follow === true) {
        for await (const block of readEvents(address, request(options, seenId, true), note))
          if (block.name === 'gap') terminal.err(gapText(block.gap));
          else show(block.event, options, terminal);
        // The server stops, or starts anew: as long as that takes, no server answers.
        await sleep(EVENT_RETRY_MS);
      }
    });
}

function request({ zone, kind, machine }: EventsOptions, after: string, follow: boolean): ApiRequest {
  return { path: ['events'], query: { zone, kind, machine, after, follow: follow ? '1' : '0' } };
}

/** Blocks as they come, until the answer ends or breaks off. `note` receives each id. */
async function* readEvents(address: ServerAddress, asked: ApiRequest, note: (id: string) => void): AsyncGenerator<Block> {
  const { body } = await openAnswer(address, asked);
  yield* readBlocks(body, note);
}

export async function* readBlocks(body: IncomingMessage, note: (id: string) => void = () => {}): AsyncGenerator<Block> {
  let rest = '';
  try {
    for await (const chunk of body.setEncoding('utf8')) {
      const blocks = (rest + String(chunk)).split('\n\n');
      rest = blocks.pop()!;
      for (const text of blocks) {
        const fields = new Map(text.split('\n').map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]));
        const id = fields.get('id');
        if (id !== undefined) note(id);
        const data = fields.get('data');
        if (data === undefined) continue;
        if (fields.get('event') === 'gap') {
          const gap: GapDocument = JSON.parse(data);
          yield { name: 'gap', gap };
        } else {
          const event: EventDocument = JSON.parse(data);
          yield { name: 'event', event };
        }
      }
    }
  } catch (error) {
    // A connection that broke: what came is good, and the rest comes with the next one.
    if (error instanceof CommandFailure || !(error instanceof Error && 'code' in error)) throw error;
  }
}

function show(event: EventDocument, { json }: EventsOptions, terminal: Terminal): void {
  if (json === true) {
    terminal.out(`${showHiddenInJson(JSON.stringify(event))}\n`);
    return;
  }
  const { id, at, kind, event: what, zone = '', object, text, action, actor } = event;
  const who = actor === undefined ? '' : ` (${action ?? ''} by ${actor.kind}:${actor.id})`;
  terminal.out(formatLine(`${id}  ${at}  ${kind} ${what}  ${zone}${object === undefined ? '' : ` ${object}`}  ${text}${who}`));
}

function gapText({ reason, zone }: GapDocument): string {
  return reason === 'unknown'
    ? 'waxseal: the server has never had an event with this id; here is all that it keeps\n'
    : `waxseal: older events${zone === undefined ? '' : ` of ${zone}`} are not kept any more; some are missing here\n`;
}

function readNumber(text: string): number {
  if (!/^[0-9]{1,15}$/.test(text)) throw new InvalidArgumentError('a whole number is needed.');
  return Number(text);
}
