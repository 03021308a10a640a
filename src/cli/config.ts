/** `waxseal config`: the configuration that `serve` would use. Needs no server. */
import type { Command } from 'commander';
import { type Config, describeConfig } from '#config/config.ts';
import { type OutputOptions, localCommand } from './options.ts';
import { localConfig } from './server-address.ts';
import { type Terminal, formatJson, formatText } from './terminal.ts';

interface ConfigOptions extends OutputOptions {
  readonly config?: string;
}

export function defineConfig(noun: Command, terminal: Terminal): void {
  const add = (verb: string, description: string, print: (config: Config, json: boolean) => string) =>
    localCommand(noun.command(verb).description(description), `waxseal config ${verb} --config /etc/waxseal/waxseal.toml`)
      .option('--config <file>', 'the file (default: WAXSEAL_CONFIG, or waxseal.toml here if there is one)')
      .action(async (options: ConfigOptions) => {
        terminal.out(formatText(print(await localConfig(options, terminal), options.json === true)));
      });
  add('check', 'check file and environment, exit 78 if something is wrong', ({ file }, json) =>
    json ? formatJson({ ok: true, file: file ?? null }) : `${file ?? 'no file, defaults and environment'}: ok\n`,
  );
  add('show', 'show all settings as they are in effect', (config, json) => {
    const settings = describeConfig(config);
    return json ? formatJson(settings) : formatToml(settings);
  });
}

/** Settings as the file would have them. */
function formatToml(settings: Readonly<Record<string, unknown>>): string {
  const line = ([key, value]: [string, unknown]) =>
    `${key} = ${Array.isArray(value) ? `[${value.map((each) => JSON.stringify(each)).join(', ')}]` : JSON.stringify(value)}\n`;
  const isSection = (value: unknown): value is Record<string, unknown> =>
    typeof value === 'object' && value !== null && !Array.isArray(value);
  const entries = Object.entries(settings);
  const top = entries.filter(([, value]) => !isSection(value)).map(line);
  const sections = entries.flatMap(([name, value]) =>
    isSection(value) ? [`\n[${name}]\n${Object.entries(value).map(line).join('')}`] : [],
  );
  return [...top, ...sections].join('');
}
