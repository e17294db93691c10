import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { shortHash } from '../digest.ts';
import { quickClose, strict } from '../http1.ts';
import type { Case, Scenario } from '../types.ts';
import { type Variant, variants } from '../variants.ts';

/**
 * The inputs of llhttp's tests, judged by what Envoy makes of them. They are read where they lie; here are only names of files, places in
 * them and hashes. An input that changes is a case of another name, which then has no recorded answer.
 */
const FOLDER =
  process.env['CILIATE_HTTP1_SAMPLES'] ?? path.resolve(import.meta.dirname, '../../../../shared/data/http1');

/** Where ours is strict on purpose. */
const STRICT: Readonly<Record<keyof typeof strict, Readonly<Record<string, readonly number[]>>>> = {
  line: {
    'request/connection.md': [6],
    'request/lenient-headers.md': [4],
    'request/lenient-header-value-relaxed.md': [3, 4],
    'request/invalid.md': [5, 6, 9, 10, 18, 21, 22],
    'request/sample.md': [12],
    'response/invalid.md': [7, 8, 9, 10, 16, 17, 18, 19],
    'response/sample.md': [11, 12],
  },
  fold: {
    'request/connection.md': [13, 15],
    'request/invalid.md': [23, 24],
    'request/sample.md': [11, 18],
    'request/transfer-encoding.md': [25],
  },
  chunk: {
    'request/transfer-encoding.md': [8, 28, 29],
    'response/transfer-encoding.md': [1, 6],
  },
  status: { 'response/invalid.md': [15] },
  host: {},
};

interface Sample {
  readonly name: string;
  readonly kind: string;
  readonly text: string;
}

const SAMPLE = /<!--\s*meta=(\{.*?\})\s*-->|```http\n([\s\S]*?)```/g;

function samplesOf(file: string): readonly Sample[] {
  const samples: Sample[] = [];
  let kind = '';
  for (const [, meta, block] of readFileSync(path.join(FOLDER, file), 'utf8').matchAll(SAMPLE)) {
    if (meta !== undefined) kind = /"type":\s*"(request|response)/.exec(meta)?.[1] ?? '';
    else if (block !== undefined && kind !== '') {
      const text = wireText(block);
      const name = file.replace(/^.*?(request|response)\//, '$1/');
      samples.push({ name: `${name} ${samples.length + 1} ${shortHash(text)}`, kind, text });
    }
  }
  return samples;
}

/** The bytes that a block of the samples stands for. */
function wireText(block: string): string {
  const escapes: Readonly<Record<string, string>> = { r: '\r', n: '\n', t: '\t', f: '\f' };
  return block
    .replace(/\n$/, '')
    .replaceAll('\\\n', '')
    .replaceAll('\n', '\r\n')
    .replaceAll(/\\(?:x([0-9a-f]{2})|([rntf]))/gi, (_, hex: string | undefined, letter: string) =>
      hex === undefined ? (escapes[letter] ?? letter) : String.fromCharCode(Number.parseInt(hex, 16)),
    );
}

function caseOf({ name, kind, text }: Sample): Case {
  const [file = '', index = ''] = name.split(' ');
  const kinds = ['line', 'fold', 'chunk', 'status', 'host'] as const;
  const difference = kinds.find((one) => STRICT[one][file]?.includes(Number(index)));
  const more = difference === undefined ? {} : strict[difference];
  // Timeouts end what an input leaves open, so all responses have come when the connection closes.
  const limits = { responses: 50, timeoutMs: 4000 };
  if (kind === 'request') return { name, requests: [text], ...limits, ...more };
  const requests = ['GET / HTTP/1.1\r\nHost: a\r\n\r\n'];
  return { name, requests, backends: { 0: [{ raw: text }] }, ...limits, ...more };
}

const manager = {
  ...quickClose,
  request_headers_timeout: '0.3s',
  stream_idle_timeout: '0.6s',
  common_http_protocol_options: { idle_timeout: '0.2s' },
  drain_timeout: '0.01s',
};

function scenarioOf(file: string): Scenario | undefined {
  const cases = samplesOf(file).map(caseOf);
  const list: readonly Variant[] = [{ name: 'llhttp', manager, cases }];
  if (cases.length === 0) return undefined;
  return variants('inputs of llhttp', file, list, { stats: false, digest: true });
}

function filesOf(): readonly string[] {
  if (!existsSync(FOLDER)) {
    console.log(`SKIPPED: no HTTP/1 samples at ${FOLDER}`);
    return [];
  }
  return readdirSync(FOLDER, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .sort();
}

export const scenarios: readonly Scenario[] = filesOf().flatMap((file) => scenarioOf(file) ?? []);
