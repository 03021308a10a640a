/**
 * Is a reply what a scenario expects? Everything counts: rcode, flags, every record of every section, the echo of the question, OPT.
 * Peers may add what they like to the additional section of an answer that is no referral (RFC 1034 §4.3.2 step 6: "may be useful").
 */
import { type ExpectedRecord, type ScenarioQuery, SECTIONS, type Section, type Transport, recordTexts } from './scenario.ts';
import { type WireMessage, type WireRecord, messageLines, parseMessage } from './wire.ts';

const EDE_OPTION = 15;

/** A server in the hands of the runner: octets there, octets back, undefined or empty for silence. */
export interface ScenarioServer {
  readonly name: string;
  ask(query: Buffer, transport: Transport, waitMs: number): Promise<Uint8Array | undefined>;
}

const ANSWER_MS = 2000;
/** An answer takes a millisecond on loopback: silence need not be waited for as long. */
const SILENCE_MS = 300;

/** The reply of `server` to the scenario's question. */
export function askScenario(server: ScenarioServer, query: ScenarioQuery, transport: Transport): Promise<Uint8Array | undefined> {
  return server.ask(query.octets, transport, query.expected.rcode === undefined ? SILENCE_MS : ANSWER_MS);
}

/** What is wrong with `reply`; empty when nothing is. `isPeer`: optional additional records and extended errors are its own business. */
export function faultsOf(query: ScenarioQuery, reply: Uint8Array | undefined, isPeer: boolean): string[] {
  const { expected } = query;
  if (reply === undefined || reply.length === 0) return expected.rcode === undefined ? [] : ['no answer'];
  if (expected.rcode === undefined) return ['an answer, where silence was expected'];
  let message: WireMessage;
  try {
    message = parseMessage(Buffer.from(reply));
  } catch (error) {
    return [`unreadable: ${error instanceof Error ? error.message : String(error)}`];
  }
  const faults: string[] = [];
  const flags = new Set([...message.flags].filter((flag) => flag !== 'QR'));
  const wanted = [...expected.flags].toSorted().join(' ');
  if (!message.flags.has('QR')) faults.push('QR is clear');
  if (message.rcode !== expected.rcode) faults.push(`rcode ${message.rcode}, expected ${expected.rcode}`);
  if ([...flags].toSorted().join(' ') !== wanted) faults.push(`flags [${[...flags].join(' ')}], expected [${wanted}]`);
  if (message.trailing > 0) faults.push(`${message.trailing} octets after the last record`);
  if ((message.edns !== undefined) !== query.hasOpt) faults.push(`OPT ${query.hasOpt ? 'is missing' : 'without one in the query'}`);
  if (message.id !== query.octets.readUInt16BE(0)) faults.push('another id');
  const question = expected.headerOnly ? '' : questionHex(query);
  if (message.question !== question) faults.push(`question ${message.question}, expected ${question}`);
  if (!isPeer) faults.push(...edeFaults(message, expected.ede));
  for (const section of SECTIONS) {
    if (isPeer && section === 'additional' && !isReferral(query)) continue;
    faults.push(...sectionFaults(section, expected.sections[section], message[section]));
  }
  return faults.length === 0 ? [] : [...faults, messageLines(message)];
}

/** True when a peer's optional additional section is just what the scenario expects of ours. */
export function hasExpectedAdditional(query: ScenarioQuery, reply: Uint8Array | undefined): boolean {
  if (reply === undefined || reply.length === 0) return false;
  return sectionFaults('additional', query.expected.sections.additional, parseMessage(Buffer.from(reply)).additional).length === 0;
}

/** True when the additional section of this answer is optional and not empty: some peer should agree with it. */
export function hasOptionalAdditional(query: ScenarioQuery): boolean {
  return !isReferral(query) && query.expected.sections.additional.length > 0;
}

function isReferral({ expected }: ScenarioQuery): boolean {
  return expected.rcode === 'NOERROR' && expected.sections.authority.some(({ text }) => / NS(?: |$)/.test(text));
}

function edeFaults(message: WireMessage, wanted: number | undefined): string[] {
  const option = message.edns?.options.get(EDE_OPTION);
  const code = option === undefined ? undefined : Number.parseInt(option.slice(0, 4), 16);
  return code === wanted ? [] : [`EDE ${code ?? 'none'}, expected ${wanted ?? 'none'} (RFC 8914)`];
}

function questionHex({ octets }: ScenarioQuery): string {
  if (octets.length === 12) return '';
  let end = 12;
  while (octets[end] !== 0) end += octets[end]! + 1;
  return octets.toString('hex', 12, end + 5);
}

/** Every expected record once, and nothing else. */
function sectionFaults(section: Section, expected: readonly ExpectedRecord[], records: readonly WireRecord[]): string[] {
  const left = [...records];
  const missing = expected.filter((each) => {
    const at = left.findIndex((record) => each.matches(record));
    if (at >= 0) left.splice(at, 1);
    return at < 0;
  });
  return [
    ...missing.map(({ text }) => `${section} lacks ${text}`),
    ...(left.length === 0 ? [] : [`${section} has what it should not:\n${recordTexts(left).join('\n')}`]),
  ];
}
