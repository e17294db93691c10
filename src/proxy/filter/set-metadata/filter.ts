import { type Fields, isObject, type JsonObject, type JsonValue } from '../../config/fields.ts';
import { MetadataNote } from '../../http/dynamic-metadata.ts';
import { counter, statsKind } from '../../stats/kind.ts';
import type { BoundFilter, FilterKind, FilterStream, HeadVerdict } from '../filter.ts';
import { inLatin1, latin1 } from '../latin1.ts';

const TYPE = 'envoy.extensions.filters.http.set_metadata.v3.Config';

class SetMetadataStats {
  denied = 0;
}

const STATS = statsKind(SetMetadataStats, { denied: counter('overwrite_denied') });

/** What is noted about each request under one namespace. */
interface Entry {
  readonly namespace: string;
  readonly notes: readonly MetadataNote[];
  /** An entry before it made the namespace, even where it had nothing to note. */
  readonly follows: boolean;
  /** It is merged with what is there already. */
  readonly overwrites: boolean;
}

/** What a level of a route, or the filter itself, says, and what counts for it. */
interface Said {
  readonly entries: readonly Entry[];
  readonly stats: SetMetadataStats;
}

/** `envoy.filters.http.set_metadata`: what the most specific level of a route says is noted behind what the filter says. */
export const setMetadataFilter: FilterKind = {
  type: TYPE,
  upstream: false,
  read: (fields, { stats, statPrefix }) => {
    const own = { entries: readEntries(fields), stats: stats.get(STATS, `${statPrefix}set_metadata.`) };
    return { type: TYPE, bind: ([route]) => bind(route ? [own, route as Said] : [own]) };
  },
  routeType: TYPE,
  readRoute: (fields, { stats }): Said => ({ entries: readEntries(fields), stats: stats.get(STATS, 'set_metadata.') }),
};

function bind(said: readonly Said[]): BoundFilter | undefined {
  if (said.every(({ entries }) => entries.length === 0)) return undefined;
  const head = (stream: FilterStream): HeadVerdict => {
    for (const { entries, stats } of said) for (const entry of entries) apply(stream, entry, stats);
    return 'continue';
  };
  return { shared: { request: { head } } };
}

function readEntries(fields: Fields): readonly Entry[] {
  return inOrder([...readOldEntry(fields), ...fields.list('metadata', readEntry)]);
}

/** The deprecated fields stand for one entry. */
function readOldEntry(fields: Fields): readonly Entry[] {
  const namespace = fields.text('metadata_namespace');
  const value = fields.raw('value');
  return namespace === '' || value === undefined ? [] : [entryOf(namespace, value, true)];
}

/** Reads an `envoy.extensions.filters.http.set_metadata.v3.Metadata`. */
function readEntry(fields: Fields): Entry {
  const namespace = fields.required('metadata_namespace');
  return entryOf(namespace, fields.raw('value') ?? {}, fields.flag('allow_overwrite'));
}

function entryOf(namespace: string, value: JsonValue, overwrites: boolean): Entry {
  const name = latin1(namespace);
  const plain = inLatin1(value);
  const members = Object.entries(isObject(plain) ? plain : {});
  return {
    namespace: name,
    notes: members.map(([key, inner]) => new MetadataNote(name, key, inner as JsonValue)),
    follows: false,
    overwrites,
  };
}

function inOrder(entries: readonly Entry[]): readonly Entry[] {
  return entries.map((entry, at) => ({
    ...entry,
    follows: entries.slice(0, at).some(({ namespace }) => namespace === entry.namespace),
  }));
}

function apply(stream: FilterStream, { namespace, notes, follows, overwrites }: Entry, stats: SetMetadataStats): void {
  const before = stream.metadata(namespace, []);
  if ((follows || before !== undefined) && !overwrites) {
    stats.denied++;
    return;
  }
  for (const note of notes) {
    const merged = isObject(before) ? merge(fieldOf(before, note.key), note.value) : note.value;
    if (merged === note.value) stream.noteMetadata(note);
    else stream.setMetadata(namespace, note.key, merged);
  }
}

const fieldOf = (object: JsonObject, key: string): JsonValue | undefined =>
  Object.hasOwn(object, key) ? object[key] : undefined;

/** Objects member by member, lists one behind the other; of everything else the newer. */
function merge(before: JsonValue | undefined, value: JsonValue): JsonValue {
  if (Array.isArray(before) && Array.isArray(value)) return [...before, ...value];
  if (!isObject(before) || !isObject(value)) return value;
  const members = Object.entries(value).map(([key, inner]) => [key, merge(fieldOf(before, key), inner as JsonValue)]);
  return { ...before, ...Object.fromEntries(members) };
}
