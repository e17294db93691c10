import type { RequestHead } from '../../http/head.ts';
import { cookieValue } from '../../match/cookies.ts';
import { parseQuery } from '../../match/query-params.ts';
import type { FilterStream } from '../filter.ts';
import { mutateQuery } from '../header-mutation/query.ts';
import type { Provider } from './provider.ts';

/** A token that a request has. */
export interface Token {
  readonly text: string;
  /** Issuers whose tokens may stand there; undefined: all. */
  readonly issuers: ReadonlySet<string> | undefined;
  /** Takes it out of the request. */
  remove(stream: FilterStream): void;
}

interface Place {
  readonly issuers: ReadonlySet<string> | undefined;
  find(head: RequestHead, params: () => ReadonlyMap<string, readonly string[]>): readonly string[];
  remove(stream: FilterStream): void;
}

/** Finds the tokens of some providers. */
export interface Extractor {
  extract(head: RequestHead): readonly Token[];
  /** Headers that only the filter may write. */
  readonly own: readonly string[];
}

export function createExtractor(providers: readonly Provider[]): Extractor {
  const places = placesOf(providers);
  const own = providers.flatMap(({ payloadHeader, claimHeaders }) => [
    ...(payloadHeader === '' ? [] : [payloadHeader]),
    ...claimHeaders.map(({ header }) => header),
  ]);
  return {
    own,
    extract: (head) => {
      let parsed: ReadonlyMap<string, readonly string[]> | undefined;
      const params = (): ReadonlyMap<string, readonly string[]> => {
        parsed ??= parseQuery(head.path);
        return parsed;
      };
      return places.flatMap((place) =>
        place.find(head, params).map((text) => ({ text, issuers: place.issuers, remove: place.remove })),
      );
    },
  };
}

/** In Envoy's order: headers, parameters, cookies, each by name. */
function placesOf(providers: readonly Provider[]): readonly Place[] {
  const headers = grouped(providers, ({ places }) =>
    places.headers.map((one) => [one.name + one.prefix, one] as const),
  );
  const params = grouped(providers, ({ places }) => places.params.map((name) => [name, name] as const));
  const cookies = grouped(providers, ({ places }) => places.cookies.map((name) => [name, name] as const));
  return [
    ...headers.map(
      ([{ name, prefix }, issuers]): Place => ({
        issuers,
        find: ({ headers: all }) => all.all(name).flatMap((value) => afterPrefix(value, prefix) ?? []),
        remove: ({ head }) => head.headers.remove(name),
      }),
    ),
    ...params.map(
      ([name, issuers]): Place => ({
        issuers,
        find: (_, all) => (all().get(name) ?? []).slice(0, 1),
        remove: (stream) => {
          stream.head.path = mutateQuery(stream.head.path, [(all) => void all.delete(name)], stream);
        },
      }),
    ),
    ...cookies.map(
      ([name, issuers]): Place => ({
        issuers,
        find: ({ headers: all }) => [cookieValue(all, name)].filter((value) => value !== undefined),
        // Envoy leaves cookies as they are.
        remove: () => undefined,
      }),
    ),
  ];
}

/** Places by their keys, with the issuers that name them. */
function grouped<Value>(
  providers: readonly Provider[],
  list: (provider: Provider) => readonly (readonly [string, Value])[],
): readonly (readonly [Value, ReadonlySet<string> | undefined])[] {
  const found = new Map<string, { readonly value: Value; readonly issuers: Set<string> }>();
  for (const provider of providers) {
    for (const [key, value] of list(provider)) {
      const place = found.get(key) ?? { value, issuers: new Set<string>() };
      place.issuers.add(provider.issuer);
      found.set(key, place);
    }
  }
  return [...found.entries()]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, { value, issuers }]) => [value, issuers.has('') ? undefined : issuers] as const);
}

/** What stands behind the prefix, wherever that is, from the first character on that a token may have. */
function afterPrefix(value: string, prefix: string): string | undefined {
  if (prefix === '') return value;
  const at = value.indexOf(prefix);
  if (at < 0) return undefined;
  const rest = value.slice(at + prefix.length);
  const start = rest.search(/[\w.-]/);
  return start < 0 ? value : rest.slice(start);
}
