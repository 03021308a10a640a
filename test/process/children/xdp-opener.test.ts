/** What an answer process that was taken over can have opened, and how often: a fixture stands in the program's place. */
import { expect, test } from 'vitest';
import { XdpOpener } from '#process/children/xdp-opener.ts';
import { eventually } from '../../support/dns-client.ts';
import { unixPair } from '../../support/unix-pair.ts';

const INTERFACES = ['eth0', 'slow0', 'bad0'];

async function opener(times: { readonly everyMs: number; readonly limitMs: number }) {
  const [near, far] = await unixPair();
  const failed: string[] = [];
  const script = new URL('../fixtures/open-xdp.ts', import.meta.url);
  const program = { script, args: [], environment: process.env };
  const order = { interfaces: INTERFACES, ports: [53] };
  const made = new XdpOpener({ program, order }, (why) => void failed.push(why), times);
  let said = '';
  far.socket.on('data', (text: Buffer) => (said += text.toString('latin1'))).resume();
  const end = () => near.socket.destroy();
  return {
    failed,
    end,
    said: () => said,
    open: (...names: string[]) => made.open(names, near.socket),
    stop: () => made.stop(),
  };
}

const orderOf = (...interfaces: string[]) => JSON.stringify({ interfaces, ports: [53] });

test('only interfaces of the configuration, with its ports', async () => {
  const { open, said, failed } = await opener({ everyMs: 60_000, limitMs: 20_000 });
  open('lo', '../eth0');
  open('lo', 'eth0', 'eth0');
  expect(await eventually(() => said() !== '', 20_000)).toBe(true);
  // It was just now.
  open('eth0');
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect([said(), failed]).toEqual([orderOf('eth0'), []]);
});

test('one at a time; one that hangs is ended, and one that fails is told of', async () => {
  const { open, said, failed } = await opener({ everyMs: 0, limitMs: 1_500 });
  open('slow0');
  open('eth0');
  expect(await eventually(() => failed.length === 1, 20_000)).toBe(true);
  expect(failed).toEqual(['slow0: SIGKILL']);
  open('bad0');
  expect(await eventually(() => failed.length === 2, 20_000)).toBe(true);
  expect(failed[1]).toBe('bad0: exit code 3');
  expect(said().endsWith(orderOf('bad0'))).toBe(true);
  expect(said()).not.toContain('eth0');
});

test('one that is stopped', async () => {
  const { open, said, failed, stop } = await opener({ everyMs: 0, limitMs: 60_000 });
  open('slow0');
  expect(await eventually(() => said() !== '', 20_000)).toBe(true);
  stop();
  expect(await eventually(() => failed.length === 1)).toBe(true);
});

test('without an answer process to hand over to there is nothing to do', async () => {
  const { open, said, failed, end } = await opener({ everyMs: 0, limitMs: 20_000 });
  end();
  open('bad0');
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect([said(), failed]).toEqual(['', []]);
});
