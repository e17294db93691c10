import type { EventEmitter } from 'node:events';
import type { Command } from 'commander';
import { variableOf } from './config.ts';
import { type Settings, truthOf } from './settings.ts';

/** Flags that neither the environment nor the config file may set. */
const untouched = new Set(['help', 'version', 'config']);

/**
 * Gives the flags that the arguments left alone their values from `HUBBLE_…` variables, then from the config file.
 * Filter flags go through the same events as arguments do.
 */
export function applyDefaults(command: Command, environment: NodeJS.ProcessEnv, settings: Settings): void {
  for (const option of command.options) {
    const flag = option.long?.replace(/^--/, '') ?? '';
    const source = command.getOptionValueSource(option.attributeName());
    if (flag === '' || untouched.has(flag) || (source !== undefined && source !== 'default')) continue;
    const written = environment[variableOf(flag)] ?? settings[flag];
    if (written === undefined || written === '') continue;
    const takesValue = option.required || option.optional;
    if (!takesValue && truthOf(String(written)) !== true) continue;
    command.setOptionValueWithSource(option.attributeName(), takesValue ? String(written) : true, 'env');
    (command as unknown as EventEmitter).emit(`optionEnv:${option.name()}`, takesValue ? String(written) : undefined);
  }
}
