import { networkInterfaces } from 'node:os';
import type { Outcome, Places, SeenRequest, SeenResponse } from './types.ts';

/**
 * What may differ between two runs that are the same: the run's address and folder, the machine's own address, dates, request ids, times and, of a long body,
 * all but its length and first bytes. Nothing else is touched: names, order and case of headers are compared as they are.
 */
function normalizer(places: Places): (text: string) => string {
  const pattern = (host: string): RegExp => new RegExp(`(?<!\\d)${host.replaceAll('.', '\\.')}(?!\\d)`, 'g');
  const [address, other, machine] = [pattern(places.host), pattern(places.other), pattern(ownAddress)];
  return (text) =>
    text
      .replaceAll(places.folder, 'FOLDER')
      .replace(address, 'ADDRESS')
      .replace(other, 'OTHER')
      .replace(/\b([A-Z_]*DURATION[^= ]*)=\d+/g, '$1=N')
      .replace(machine, 'MACHINE')
      .replace(/127\.0\.0\.1:\d{4,5}\b/g, '127.0.0.1:PORT')
      .replace(/\b[0-9a-f]{8}-[0-9a-f]{4}-([0-9a-f])[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}\b/g, 'UUID-$1');
}

/** What Envoy appends to `x-forwarded-for` where the client is on the same machine. */
const ownAddress = machineAddress();

function machineAddress(): string {
  const all = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  return all.find(({ family, internal }) => family === 'IPv4' && !internal)?.address ?? '127.0.0.1';
}

const volatile: readonly (readonly [RegExp, string])[] = [
  [/^(date): [A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/i, '$1: DATE'],
  [/^(x-envoy-upstream-service-time): \d+$/i, '$1: MS'],
  [/(?:[0-9a-f]{40}\/|0\.1\.0\/)1\.40\.0\/Clean\/RELEASE\/(?:BoringSSL|none)/, 'VERSION'],
  [/(telemetry\.sdk\.language): (?:cpp|nodejs)$/, '$1: LANGUAGE'],
  // The value of a routing cookie is a hash of the connection's addresses.
  [/^(set-cookie: [^=]+=)"[0-9a-f]{16}"/i, '$1"HASH"'],
  // What the OAuth filter draws, counts from now, or seals and signs with that; rounds are named in numbers without leading zeros.
  [/^(set-cookie: (?:OauthNonce|CodeVerifier))\.[0-9a-f]{8,16}=(?!deleted)[^;]+/, '$1.FLOW=SEALED'],
  [
    /^(set-cookie: (?:OauthNonce|CodeVerifier|OauthHMAC|OauthExpires|BearerToken|IdToken|RefreshToken)=)(?!deleted)[^;]+/,
    '$1SEALED',
  ],
  [/^(set-cookie: .*;Max-Age=)\d{7,};/, '$1LONG;'],
  [/^(location: .*[?&]code_challenge=)[^&]+(.*[?&]state=)[^&]+/, '$1CHALLENGE$2STATE'],
  // What is left of the default of 15 s, less some milliseconds at a later attempt.
  [/^(x-envoy-expected-rq-timeout-ms): 14[89]\d\d$/i, '$1: 15000'],
];

/** Ids that cases choose themselves. */
const chosenIds =
  /^(?:0af7651916cd43dd8448eb211c80319c|b7ad6b7169203331|463ac35c9f6413ad48485a3953bb6124|(?:0{16})?48485a3953bb6124|0020000000000001|0+)$/;
/** Where ids of traces stand. */
const traced = /^(?:traceparent|b3|x-b3-[a-z]+|resource_(?:spans|logs)\S*|zipkin\.\S*|trace=\S+):? /i;

/** Numbers ids of traces and spans in the order in which they are seen, each kind on its own. */
function idNames(): (line: string) => string {
  const names = new Map<string, string>();
  const kinds = { 16: 0, 32: 0 };
  return (line) => {
    if (!traced.test(line)) return line;
    return line.replace(/\b(?:[0-9a-f]{32}|[0-9a-f]{16})\b/g, (id) => {
      if (chosenIds.test(id)) return id;
      const kind = id.length as keyof typeof kinds;
      const name = names.get(id) ?? `${kind === 32 ? 'TRACE' : 'SPAN'}${++kinds[kind]}`;
      names.set(id, name);
      return name;
    });
  };
}

function normalHeader(header: string): string {
  return volatile.reduce((text, [pattern, to]) => text.replace(pattern, to), header);
}

const longBody = 400;

function normalBody(body: string): string {
  if (body.length <= longBody) return body;
  return `${body.slice(0, 80)}... (${body.length} bytes)`;
}

/** The order of keys in JSON and the time of a change mean nothing. */
function normalJson(answer: string): string {
  if (!answer.startsWith('{')) return answer;
  try {
    const sorted = (value: unknown): unknown => {
      if (Array.isArray(value)) return value.map(sorted);
      if (typeof value !== 'object' || value === null) return value;
      const entries = Object.entries(value).sort(([left], [right]) => (left < right ? -1 : 1));
      return Object.fromEntries(entries.map(([key, inner]) => [key, key === 'last_updated' ? 'TIME' : sorted(inner)]));
    };
    return JSON.stringify(sorted(JSON.parse(answer)), undefined, 1);
  } catch {
    return answer;
  }
}

export function normalOutcome(outcome: Outcome, places: Places): Outcome {
  const text = normalizer(places);
  const ids = idNames();
  const headers = (list: readonly string[]): readonly string[] => list.map((header) => normalHeader(ids(text(header))));
  const response = (one: SeenResponse): SeenResponse => ({
    // What is left of a response that broke off is a head and more in one text.
    status: one.status.split('\r\n').map(normalHeader).join('\r\n'),
    headers: headers(one.headers),
    body: normalBody(text(one.body)),
  });
  const request = (one: SeenRequest): SeenRequest => ({
    ...one,
    line: normalBody(text(one.line)),
    headers: headers(one.headers),
    body: normalBody(text(one.body)),
  });
  return {
    ...outcome,
    ...(outcome.responses ? { responses: outcome.responses.map(response) } : {}),
    ...(outcome.backends ? { backends: outcome.backends.map(request) } : {}),
    ...(outcome.stats
      ? { stats: Object.fromEntries(Object.entries(outcome.stats).map(([name, value]) => [text(name), value])) }
      : {}),
    ...(outcome.statNames
      ? { statNames: Object.fromEntries(Object.entries(outcome.statNames).map(([name, type]) => [text(name), type])) }
      : {}),
    ...(outcome.log ? { log: outcome.log.map((line) => ids(text(line))) } : {}),
    ...(outcome.plane ? { plane: outcome.plane.map(text) } : {}),
    ...(outcome.admin
      ? {
          admin: Object.fromEntries(
            Object.entries(outcome.admin).map(([at, answer]) => [at, text(normalJson(answer))]),
          ),
        }
      : {}),
  };
}
