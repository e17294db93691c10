import type { Party, ShownFlow, Verdict } from './flow.ts';
import { countLatency, createLatencies, type Latencies } from './latencies.ts';
import { count, createRate, type Rate, rememberedSeconds, sumOver } from './rates.ts';

export type VerdictCounts = Record<Verdict, number>;

/** A workload, or something outside of the cluster, with what it serves. */
export interface Card {
  readonly key: string;
  readonly party: Party;
  readonly labels: readonly string[];
  readonly accessPoints: Map<string, AccessPoint>;
  readonly signals: Signals;
}

/** What a card's servers met: calls on Layer 7, else new flows; by second. */
export interface Signals {
  readonly flows: Rate;
  readonly requests: Rate;
  readonly responses: Rate;
  readonly errors: Rate;
  readonly drops: Rate;
  /** Of the answers; undefined before the first. */
  latencies: Latencies | undefined;
}

/** A port of a card. */
export interface AccessPoint {
  readonly key: string;
  readonly protocol: string;
  readonly port: number;
  readonly rows: Map<string, CallRow>;
  /** Calls that have no row of their own because there are too many. */
  otherCalls: number;
}

/** One kind of call: a method and a path, or a DNS name. */
export interface CallRow {
  readonly key: string;
  readonly protocol: 'http' | 'dns';
  readonly method: string;
  readonly target: string;
  readonly requests: Rate;
  total: number;
  denied: number;
  responses: number;
  /** Status 500 and above, DNS codes other than no error and no such name. */
  errors: number;
  latencySumMs: number;
}

/** Flows from one card to an access point of another one. */
export interface Edge {
  readonly key: string;
  readonly from: string;
  readonly to: string;
  readonly accessPoint: string;
  readonly total: VerdictCounts;
  readonly rates: Readonly<Record<Verdict, Rate>>;
  /** Requests as the client's side and as the server's side saw them: a request that passes both proxies is told twice. */
  readonly requests: { readonly egress: Rate; readonly ingress: Rate };
}

/** The service map under construction. Bounded: what finds no place is only counted in `omitted`. */
export interface ServiceMap {
  readonly cards: Map<string, Card>;
  readonly edges: Map<string, Edge>;
  omitted: number;
}

const mostCards = 400;
const mostEdges = 2_000;
const mostAccessPoints = 40;
const mostRows = 20;

export function createServiceMap(): ServiceMap {
  return { cards: new Map(), edges: new Map(), omitted: 0 };
}

/** Adds a flow. True when a card, access point, row or arrow is new. */
export function addFlow(map: ServiceMap, shown: ShownFlow): boolean {
  const known = map.edges.size + map.cards.size;
  const client = cardOf(map, shown, shown.client);
  const server = cardOf(map, shown, shown.server);
  if (!client || !server) {
    map.omitted++;
    return false;
  }
  const { accessPoint, isNew } = accessPointOf(server, shown);
  const edge = accessPoint && edgeOf(map, client, server, accessPoint);
  if (!accessPoint || !edge) {
    map.omitted++;
    return false;
  }
  edge.total[shown.verdict]++;
  count(edge.rates[shown.verdict], shown.timeMs);
  const rowIsNew = addCall(accessPoint, edge, shown);
  addSignals(server.signals, shown);
  return isNew || rowIsNew || map.edges.size + map.cards.size > known;
}

function cardOf(map: ServiceMap, { flow, client, isReply }: ShownFlow, party: Party): Card | undefined {
  const known = map.cards.get(party.key);
  if (known) return known;
  if (map.cards.size >= mostCards) return undefined;
  const isSource = (party === client) !== isReply;
  const card: Card = {
    key: party.key,
    party,
    labels: (isSource ? flow.source : flow.destination)?.labels ?? [],
    accessPoints: new Map(),
    signals: {
      flows: createRate(),
      requests: createRate(),
      responses: createRate(),
      errors: createRate(),
      drops: createRate(),
      latencies: undefined,
    },
  };
  map.cards.set(card.key, card);
  return card;
}

function accessPointOf(
  card: Card,
  { protocol, port }: ShownFlow,
): { accessPoint: AccessPoint | undefined; isNew: boolean } {
  const key = port === 0 ? protocol : `${protocol}:${port}`;
  const known = card.accessPoints.get(key);
  if (known || card.accessPoints.size >= mostAccessPoints) return { accessPoint: known, isNew: false };
  const accessPoint: AccessPoint = { key, protocol, port, rows: new Map(), otherCalls: 0 };
  card.accessPoints.set(key, accessPoint);
  return { accessPoint, isNew: true };
}

function edgeOf(map: ServiceMap, client: Card, server: Card, accessPoint: AccessPoint): Edge | undefined {
  const key = `${client.key}>${server.key}>${accessPoint.key}`;
  const known = map.edges.get(key);
  if (known || map.edges.size >= mostEdges) return known;
  const edge: Edge = {
    key,
    from: client.key,
    to: server.key,
    accessPoint: accessPoint.key,
    total: { forwarded: 0, dropped: 0, audited: 0, error: 0 },
    rates: { forwarded: createRate(), dropped: createRate(), audited: createRate(), error: createRate() },
    requests: { egress: createRate(), ingress: createRate() },
  };
  map.edges.set(key, edge);
  return edge;
}

/** Counts a call in its row; true when the row is new. */
function addCall(accessPoint: AccessPoint, edge: Edge, { call, flow, verdict, timeMs }: ShownFlow): boolean {
  if (!call) return false;
  const side = flow.traffic_direction === 'INGRESS' ? 'ingress' : 'egress';
  if (!call.isResponse) count(edge.requests[side], timeMs);
  const key = `${call.method} ${call.target}`;
  let row = accessPoint.rows.get(key);
  const isNew = !row;
  if (!row) {
    if (accessPoint.rows.size >= mostRows) {
      accessPoint.otherCalls++;
      return false;
    }
    const { protocol, method, target } = call;
    row = {
      key,
      protocol,
      method,
      target,
      requests: createRate(),
      total: 0,
      denied: 0,
      responses: 0,
      errors: 0,
      latencySumMs: 0,
    };
    accessPoint.rows.set(key, row);
  }
  if (call.isResponse) {
    row.responses++;
    row.latencySumMs += call.latencyMs ?? 0;
    if (isError(call.protocol, call.code)) row.errors++;
  } else {
    row.total++;
    count(row.requests, timeMs);
    if (verdict === 'dropped') row.denied++;
  }
  return isNew;
}

/** DNS code for a name that does not exist: no failure of the server, as the search list of every pod makes it answer so. */
const noSuchName = 3;

function isError(protocol: 'http' | 'dns', code: number): boolean {
  return protocol === 'http' ? code >= 500 : code > 0 && code !== noSuchName;
}

function addSignals(signals: Signals, { call, verdict, timeMs }: ShownFlow): void {
  count(signals.flows, timeMs);
  if (verdict === 'dropped') count(signals.drops, timeMs);
  if (!call) return;
  if (!call.isResponse) {
    count(signals.requests, timeMs);
    return;
  }
  count(signals.responses, timeMs);
  if (call.latencyMs !== undefined) {
    signals.latencies ??= createLatencies();
    countLatency(signals.latencies, timeMs, call.latencyMs);
  }
  if (isError(call.protocol, call.code)) count(signals.errors, timeMs);
}

export interface EdgeState {
  readonly verdict: Verdict | 'mixed';
  /** Share of flows that were dropped, 0 to 1. */
  readonly droppedShare: number;
  /** Requests a second where Layer 7 is seen, else flows a second. */
  readonly rate: number;
  readonly isIdle: boolean;
}

/** How an arrow is drawn: by the last minute where it saw flows, else by all of them. */
export function edgeState(edge: Edge, nowMs: number, width: number): EdgeState {
  const recent = (verdict: Verdict): number => sumOver(edge.rates[verdict], nowMs, rememberedSeconds);
  const lastMinute: VerdictCounts = {
    forwarded: recent('forwarded'),
    dropped: recent('dropped'),
    audited: recent('audited'),
    error: recent('error'),
  };
  const sumOf = (counts: VerdictCounts): number => counts.forwarded + counts.dropped + counts.audited + counts.error;
  const isIdle = sumOf(lastMinute) === 0;
  const counts = isIdle ? edge.total : lastMinute;
  const requests = Math.max(sumOver(edge.requests.egress, nowMs, width), sumOver(edge.requests.ingress, nowMs, width));
  const verdicts = ['forwarded', 'dropped', 'audited', 'error'] as const;
  const flows = verdicts.reduce((sum, verdict) => sum + sumOver(edge.rates[verdict], nowMs, width), 0);
  return {
    verdict: verdictOf(counts),
    droppedShare: counts.dropped / Math.max(1, sumOf(counts)),
    rate: (requests > 0 ? requests : flows) / width,
    isIdle,
  };
}

function verdictOf({ forwarded, dropped, audited, error }: VerdictCounts): Verdict | 'mixed' {
  if (dropped > 0) return forwarded + audited > 0 ? 'mixed' : 'dropped';
  if (error > 0) return 'error';
  return audited > 0 ? 'audited' : 'forwarded';
}
