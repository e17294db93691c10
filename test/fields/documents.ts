import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Fate, Fates } from './walk.ts';

const docs = path.resolve(import.meta.dirname, '../../docs');
export const FIELDS_FILE = path.join(docs, 'envoy-fields.md');

/** `HttpConnectionManager.Tracing` of `envoy.extensions.….v3.HttpConnectionManager.Tracing`. */
export const shortName = (name: string): string => name.replace(/^(?:[a-z]\w*\.)+/, '');

/** What `docs/divergence.md` lists as accepted without effect: `Message.field`, or `Message.*`. */
export function listedAsSilent(): ReadonlySet<string> {
  const text = readFileSync(path.join(docs, 'divergence.md'), 'utf8');
  const [, after = ''] = text.split('### Fields of Envoy that are accepted without effect');
  const [section = ''] = after.split('\n## ');
  const names = (cell: string): readonly string[] => [...cell.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name);
  const rows = section.split('\n').filter((line) => line.startsWith('| `'));
  return new Set(
    rows.flatMap((row) => {
      const [, messages = '', fields = ''] = row.split('|');
      const listed = fields.trim() === 'all' ? ['*'] : names(fields);
      return names(messages).flatMap((message) => listed.map((field) => `${message}.${field}`));
    }),
  );
}

/** The silent fields of a walk in the form of `listedAsSilent`. */
export function silentFields(fates: Fates): ReadonlySet<string> {
  return new Set(
    [...fates].flatMap(([message, fields]) => {
      const silent = [...fields].flatMap(([field, fate]) => (fate === 'silent' ? [field] : []));
      if (silent.length > 1 && silent.length === fields.size) return [`${shortName(message)}.*`];
      return silent.map((field) => `${shortName(message)}.${field}`);
    }),
  );
}

const HEAD = `# Fields of Envoy's API

What becomes of every field of the messages that \`ciliate-proxy\` takes: those it acts on, and those that it refuses by name. A third kind is accepted
without effect; \`docs/divergence.md\` says which and why. Where a message stands in several places, a field counts as acted on if it is in one of them.
Written by \`node test/fields/write.ts\`, which sets each field and looks what happens; \`test/fields\` tells when it is out of date.

| message | acted on | refused |
| --- | --- | --- |
`;

/** The text of `docs/envoy-fields.md`. */
export function fieldsDocument(fates: Fates): string {
  const rows = [...fates]
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .map(([message, fields]) => {
      const of = (wanted: Fate): string =>
        [...fields]
          .flatMap(([field, fate]) => (fate === wanted ? [field] : []))
          .sort()
          .join(', ');
      return `| ${message} | ${of('read')} | ${of('refused')} |`;
    });
  return `${HEAD}${rows.join('\n')}\n`;
}
