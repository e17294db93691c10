import path from 'node:path';
import { configured, flagsFirst, printed, refused, selected } from './testing/cases.ts';
import { type Answer, argumentsOf, compareWithStock, testing, whole } from './testing/stock.ts';

const file = path.join(testing, 'flows.jsonl');
const uuids = ({ code, out, err }: Answer): Answer => ({
  code,
  out: [...out.matchAll(/"uuid":"([^"]*)"/g)].map(([, uuid]) => uuid).join(' '),
  err,
});

const config = path.join(testing, 'config.yaml');
const placed = ({ code, out, err }: Answer): Answer => ({ code, out: out.replaceAll(config, 'CONFIG'), err });

await compareWithStock('stock.json', [
  ...printed.map((text) => ({
    name: `printed: ${text}`,
    argv: ['observe', '--input-file', file, ...argumentsOf(text)],
    read: whole,
  })),
  ...selected.map((text) => ({
    name: `selected: ${text}`,
    argv: ['observe', '--input-file', file, '-o', 'json', ...argumentsOf(text)],
    read: uuids,
  })),
  ...refused.map((text) => ({
    name: `refused: ${text}`,
    argv: ['observe', ...argumentsOf(text.replace('FILE', file))],
    read: whole,
  })),
  ...flagsFirst.map((text) => ({
    name: `flags first: ${text}`,
    argv: argumentsOf(text.replace('FILE', file)),
    read: whole,
  })),
  ...configured.map((text) => ({
    name: `config: ${text}`,
    argv: ['config', ...argumentsOf(text), '--config', config],
    read: placed,
  })),
]);
