import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { corpusFile, corpusOf, fuzz } from './fuzzer.ts';
import { targets } from './targets.ts';

/**
 * `npm run fuzz [-- --seconds N] [--seed S] [--target NAME] [--grow]`: inputs made at random, and from `test/fuzz/corpus` with what reaches
 * new code, for the parsers of HTTP/1.1 messages, HTTP/2 frames and header blocks, the decoder of Envoy's JSON, tokens and the formatter of access logs. Ends with exit code 0 when
 * nothing was found. `--grow` adds short inputs that reach new code to the corpus.
 */
const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    seed: { type: 'string', default: '1' },
    target: { type: 'string' },
    grow: { type: 'boolean', default: false },
  },
});
const chosen = targets.filter((target) => values.target === undefined || target.name === values.target);
if (chosen.length === 0)
  throw new Error(`no target ${values.target}; there are ${targets.map(({ name }) => name).join(', ')}`);

const HANG_SECONDS = 60;
const MAX_KEPT = 400;
const shared = new Uint8Array(new SharedArrayBuffer(65_536));
const counter = new Int32Array(new SharedArrayBuffer(8));

/** Ends the process with the input that it hangs at. */
const WATCH = `
  const { workerData: { shared, counter, seconds } } = require('node:worker_threads');
  let last = 0;
  setInterval(() => {
    const now = Atomics.load(counter, 0);
    if (now === last) {
      const input = Buffer.from(shared.slice(0, Atomics.load(counter, 1))).toString();
      require('node:fs').writeSync(1, 'hangs at ' + JSON.stringify(input) + '\\n');
      process.kill(process.pid, 'SIGKILL');
    }
    last = now;
  }, seconds * 1000);
`;
const watch = new Worker(WATCH, { eval: true, workerData: { shared, counter, seconds: HANG_SECONDS } });
const encoder = new TextEncoder();

const result = fuzz(chosen, {
  seed: Number(values.seed),
  milliseconds: Number(values.seconds) * 1000,
  guided: true,
  onInput: (input) => {
    Atomics.store(counter, 1, encoder.encodeInto(input, shared).written);
    Atomics.add(counter, 0, 1);
  },
});
await watch.terminate();
for (const target of chosen) {
  const found = (result.discovered.get(target.name) ?? []).filter((input) => input.length < MAX_KEPT);
  console.log(`${target.name}: ${result.executions.get(target.name)} inputs, ${found.length} reached new code`);
  if (!values.grow || found.length === 0) continue;
  const lines = [...corpusOf(target), ...found].map((input) => JSON.stringify(input));
  writeFileSync(corpusFile(target), `${lines.join('\n')}\n`);
}
console.log(`${result.blocks} blocks of code reached, ${result.findings.length} findings`);
for (const { target, input, message } of result.findings)
  console.log(`${target} ${JSON.stringify(input)}\n  ${message}`);
process.exitCode = result.findings.length > 0 ? 1 : 0;
