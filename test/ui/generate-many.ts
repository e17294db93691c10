import {
  dnsFlows,
  httpFlows,
  type Json,
  packetFlow,
  type Recording,
  type Side,
  writeRecording,
} from './generate-flows.ts';

/** Workloads of a namespace, from the one that the world asks to those that only answer. */
const names = [
  'gateway',
  'frontend',
  'search',
  'orders',
  'basket',
  'pricing',
  'stock',
  'mailer',
  'postgres',
  'redis',
] as const;
/** Whom a workload asks, by its place in the list above. */
const asked: readonly (readonly number[])[] = [
  [1, 2],
  [2, 3, 4],
  [6, 9],
  [5, 6, 7, 8],
  [5, 9],
  [8, 9],
  [8],
  [],
  [],
  [],
];
const databasePorts: Readonly<Record<string, number>> = { postgres: 5432, redis: 6379 };

interface Call {
  readonly from: Side;
  readonly to: Side;
  /** 0 to 1, the same for every flow of the call: what kind of call it is. */
  readonly kind: number;
}

/** A recording of `workloads` workloads, ten in a namespace, of which each asks some others; about three arrows and five kinds of call for each. */
export function generateMany(recording: Recording & { readonly workloads: number }): string[] {
  const sides = Array.from({ length: recording.workloads }, (_, index) => sideOf(index));
  const calls = sides.flatMap((from, index) => callsOf(sides, from, index));
  return writeRecording(recording, (random) => turn(sides, calls, random));
}

function sideOf(index: number): Side {
  const namespace = `team-${String(Math.floor(index / names.length)).padStart(2, '0')}`;
  const name = names[index % names.length] ?? '';
  return { namespace, name, ip: `10.244.${1 + (index >> 7)}.${10 + (index & 127)}`, identity: 20_000 + index };
}

function callsOf(sides: readonly Side[], from: Side, index: number): Call[] {
  const first = index - (index % names.length);
  const inside = (asked[index % names.length] ?? []).map((place) => first + place);
  // The next two namespaces' gateways, from those that have something to ask there.
  const outside = index % names.length === 3 ? [first + names.length, first + 2 * names.length] : [];
  return [...inside, ...outside].flatMap((target) => {
    const to = sides[target];
    return to ? [{ from, to, kind: ((index * 31 + target * 17) % 100) / 100 }] : [];
  });
}

function turn(sides: readonly Side[], calls: readonly Call[], random: () => number): Json[] {
  const pick = <T>(of: readonly T[]): T => of[Math.floor(random() * of.length)] as T;
  const chance = random();
  if (chance < 0.03) return dnsFlows(pick(sides), 'api.bank.example');
  if (chance < 0.06)
    return [packetFlow(undefined, sides[names.length * Math.floor((random() * sides.length) / names.length)], 443, {})];
  if (chance < 0.08) return [droppedFlow(sides, Math.floor(random() * mostDenied))];
  return callFlows(pick(calls), random);
}

/** Pairs of workloads of which one is not allowed to ask the other. */
const mostDenied = 15;

function droppedFlow(sides: readonly Side[], pair: number): Json {
  const [from, to] = [sides[(pair * 13 + 7) % sides.length], sides[(pair * 29) % sides.length]];
  return packetFlow(from, to, 8080, {
    verdict: 'DROPPED',
    drop_reason: 133,
    drop_reason_desc: 'POLICY_DENIED',
    event_type: { type: 1, sub_type: 133 },
  });
}

function callFlows({ from, to, kind }: Call, random: () => number): Json[] {
  const databasePort = databasePorts[to.name];
  if (databasePort !== undefined) return [packetFlow(from, to, databasePort, {})];
  const isRead = random() < 0.7;
  const path = `/${to.name}/${['items', 'orders', 'people', 'prices', 'places'][Math.floor(kind * 5)]}`;
  return httpFlows({
    from,
    to,
    port: kind < 0.5 ? 8080 : 9090,
    method: isRead ? 'GET' : 'POST',
    path: isRead ? `${path}/${Math.floor(random() * 900)}` : path,
    code: kind > 0.9 && random() < 0.1 ? 503 : 200,
    latencyMs: 2 + random() * 20,
    isDenied: kind < 0.08 && !isRead,
  });
}
