import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Command } from 'commander';
import { flagsBehindCommand } from './flag-order.ts';

const program = new Command('hubble').option('--config <file>').option('-D, --debug');
const observe = program.command('observe').option('--server <address>').option('-f, --follow').option('-o <format>');
observe.option('--names [truth]');
observe.command('flows').option('--server <address>').option('-f, --follow').option('--config <file>');
program.command('list').command('nodes').alias('node').option('--server <address>');
program.command('version');

test('flags are moved behind the command that takes them, and else left where they are', () => {
  const cases: readonly [string, string][] = [
    ['observe -f --server a', 'observe -f --server a'],
    ['--server a observe -f', 'observe --server a -f'],
    ['--server=a observe -f', 'observe --server=a -f'],
    ['--server observe observe flows', 'observe flows --server observe'],
    ['-o json -f observe --server a', 'observe -o json -f --server a'],
    ['-ojson observe', 'observe -ojson'],
    ['--names observe false', 'observe --names false'],
    ['observe --server a flows -f', 'observe flows --server a -f'],
    ['list --server a node', 'list node --server a'],
    ['--server a list nodes', 'list nodes --server a'],
    ['--config c observe', '--config c observe'],
    ['--config c observe flows', 'observe flows --config c'],
    ['-D version', '-D version'],
    ['--server a version', 'version --server a'],
    ['--bogus a observe', '--bogus a observe'],
    ['--server a --bogus observe', '--server a --bogus observe'],
    ['--server a nonsense', '--server a nonsense'],
    ['--server', '--server'],
    ['-- observe', '-- observe'],
    ['--server a -- observe', '--server a -- observe'],
    ['observe - flows', 'observe - flows'],
    ['', ''],
  ];
  for (const [given, expected] of cases) {
    assert.equal(flagsBehindCommand(given.split(' '), program).join(' '), expected, given);
  }
});
