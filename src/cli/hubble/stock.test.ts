import path from 'node:path';
import { printed, refused, selected } from './testing/cases.ts';
import { type Answer, argumentsOf, compareWithStock, testing, whole } from './testing/stock.ts';

const file = path.join(testing, 'flows.jsonl');
const uuids = ({ code, out, err }: Answer): Answer => ({
  code,
  out: [...out.matchAll(/"uuid":"([^"]*)"/g)].map(([, uuid]) => uuid).join(' '),
  err,
});

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
]);
